//! The part of an address after the question mark, and an error that says what is wrong with it.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::answer::briefly;
use crate::error::ApiError;

/// What was asked, or why it does not read: for the call to answer when it has looked at the rest of the address.
pub(crate) struct Query<T>(pub(crate) Result<T, ApiError>);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let read = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        Ok(Self(read.map(|query| query.0).map_err(|error| {
            // The library's own words begin with what was tried; what went wrong is behind it.
            let why = std::error::Error::source(&error).map(ToString::to_string);
            let why = why.unwrap_or_else(|| error.to_string());
            let message = format!("The address of this call does not read: {}.", briefly(&why));
            let fix = "Correct it and ask again.";
            ApiError::new(StatusCode::BAD_REQUEST, "bad-query", &message, fix)
        })))
    }
}
