//! Every call of the service as it describes them itself at `/openapi.json`, so that a new route is covered by the tests of
//! all routes without a word.

use serde_json::Value;

use super::Service;

/// One method of one path.
#[derive(Debug)]
pub struct Call {
    pub method: String,
    /// With its parameters in braces.
    pub template: String,
    /// The statuses that the description names.
    pub statuses: Vec<u16>,
}

/// What stands in for the parameters of a path.
#[derive(Clone, Debug)]
pub struct Ids {
    pub backup: String,
    pub deleted: String,
    pub asset: String,
    pub job: String,
    pub source: String,
}

impl Ids {
    /// The same id wherever one is asked for.
    pub fn all(id: &str) -> Self {
        let id = || id.to_owned();
        Self {
            backup: id(),
            deleted: id(),
            asset: id(),
            job: id(),
            source: id(),
        }
    }
}

impl Call {
    pub fn path(&self, ids: &Ids) -> String {
        let backup = if self.template.ends_with("/undelete") {
            &ids.deleted
        } else {
            &ids.backup
        };
        let path = self.template.replace("{backup}", backup);
        let path = path.replace("{asset}", &ids.asset);
        let path = path.replace("{job}", &ids.job);
        let path = path.replace("{source}", &ids.source);
        assert!(!path.contains('{'), "an unknown parameter in {path}");
        path + &self.details(ids)
    }

    /// What a call cannot do without, after the question mark.
    fn details(&self, ids: &Ids) -> String {
        match self.template.as_str() {
            template if template.ends_with("/content") => "?path=library.db".into(),
            "/holdfast/compare" => format!("?older={}&newer=now", ids.backup),
            _ => String::new(),
        }
    }

    pub fn is_websocket(&self) -> bool {
        self.statuses.contains(&101)
    }

    pub fn has_id(&self) -> bool {
        self.template.contains('{')
    }
}

pub async fn calls(service: &Service) -> Vec<Call> {
    let description: Value = service.get("/openapi.json").await.json();
    let paths = description["paths"].as_object().unwrap().iter();
    let mut calls: Vec<Call> = paths
        .flat_map(|(path, methods)| of_path(path, methods))
        .collect();
    assert!(calls.len() > 30, "{calls:?}");
    // The description does not describe itself.
    calls.push(Call {
        method: "GET".into(),
        template: "/openapi.json".into(),
        statuses: vec![200],
    });
    calls
}

fn of_path<'a>(path: &'a str, methods: &'a Value) -> impl Iterator<Item = Call> + 'a {
    methods
        .as_object()
        .unwrap()
        .iter()
        .map(move |(method, call)| {
            let statuses = call["responses"].as_object().unwrap().keys();
            Call {
                method: method.to_uppercase(),
                template: path.to_owned(),
                statuses: statuses.map(|status| status.parse().unwrap()).collect(),
            }
        })
}
