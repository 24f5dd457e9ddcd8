//! The items of a library in a backup, read out of its file.

use std::cmp::Ordering;

use chrono::DateTime;
use rusqlite::{Connection, OptionalExtension, Rows, Statement, params};

use super::path::{ITEMS, join};
use super::{Change, Difference, Entry, EntryKind, Page};
use crate::{Error, Watch};

/// Items in the order of their ids.
pub(super) fn page(
    library: &Connection,
    after: Option<&str>,
    limit: usize,
) -> rusqlite::Result<Page<Entry>> {
    let mut statement = library.prepare_cached(
        "SELECT id, name, octet_length(json), updated FROM assets
         WHERE id > ?1 OR ?1 IS NULL ORDER BY id LIMIT ?2",
    )?;
    // One more than is given tells whether there is a next page.
    let asked = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![after, asked], |row| {
        let (id, bytes): (String, i64) = (row.get(0)?, row.get(2)?);
        let updated: Option<i64> = row.get(3)?;
        Ok(Entry {
            path: join(ITEMS, &id),
            name: id,
            kind: EntryKind::Item,
            bytes: bytes.unsigned_abs(),
            modified: updated.and_then(DateTime::from_timestamp_millis),
            title: row.get(1)?,
        })
    })?;
    let mut items = rows.collect::<Result<Vec<_>, _>>()?;
    let more = items.len() > limit;
    items.truncate(limit);
    let last = items.last().filter(|_| more);
    Ok(Page {
        next: last.map(|last| last.name.clone()),
        items,
    })
}

pub(super) fn json(library: &Connection, id: &str) -> rusqlite::Result<Option<String>> {
    let mut statement = library.prepare_cached("SELECT json FROM assets WHERE id = ?1")?;
    statement.query_row([id], |row| row.get(0)).optional()
}

/// One of the libraries that are compared, and what its failures mean.
pub(super) struct Side<'a> {
    pub library: &'a Connection,
    pub explain: &'a dyn Fn(rusqlite::Error) -> Error,
}

/// Which items are compared.
#[derive(Clone, Copy)]
pub(super) enum Which<'a> {
    /// Those after this id, or all.
    After(Option<&'a str>),
    One(&'a str),
}

/// The items that are not the same, in the order of their ids: at most `limit`. Both libraries are read side by side, and no
/// more than one item of each is in memory. Errors: `UnknownPath` where one is asked for that neither has.
pub(super) fn differences(
    older: &Side,
    newer: &Side,
    which: Which,
    limit: usize,
    watch: &Watch,
) -> Result<Vec<Difference>, Error> {
    let (mut older_statement, mut newer_statement) = (older.prepare(which)?, newer.prepare(which)?);
    let mut old = Cursor::new(older, &mut older_statement, which)?;
    let mut new = Cursor::new(newer, &mut newer_statement, which)?;
    if let (Which::One(id), None, None) = (which, &old.item, &new.item) {
        return Err(Error::UnknownPath(join(ITEMS, id)));
    }
    let mut found = Vec::new();
    while found.len() < limit {
        watch.check()?;
        let order = match (&old.item, &new.item) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.id.cmp(&new.id),
        };
        let changed = match (&old.item, &new.item) {
            (Some(old), Some(new)) => old.json != new.json,
            _ => true,
        };
        match order {
            Ordering::Less => {
                found.extend(old.difference(Change::Removed));
                old.advance()?;
            }
            Ordering::Greater => {
                found.extend(new.difference(Change::Added));
                new.advance()?;
            }
            Ordering::Equal => {
                if changed {
                    let before = old.item.as_ref().map(|item| item.json.len() as u64);
                    let difference = new.difference(Change::Changed);
                    found.extend(difference.map(|difference| Difference {
                        bytes_before: before,
                        ..difference
                    }));
                }
                old.advance()?;
                new.advance()?;
            }
        }
    }
    Ok(found)
}

impl<'a> Side<'a> {
    fn prepare(&self, which: Which) -> Result<Statement<'a>, Error> {
        let sql = match which {
            Which::After(_) => {
                "SELECT id, name, json FROM assets WHERE id > ?1 OR ?1 IS NULL ORDER BY id"
            }
            Which::One(_) => "SELECT id, name, json FROM assets WHERE id = ?1",
        };
        self.library.prepare(sql).map_err(self.explain)
    }
}

struct Cursor<'a> {
    rows: Rows<'a>,
    explain: &'a dyn Fn(rusqlite::Error) -> Error,
    item: Option<Item>,
}

#[derive(Default)]
struct Item {
    id: String,
    name: Option<String>,
    json: String,
}

impl<'a> Cursor<'a> {
    fn new(side: &Side<'a>, statement: &'a mut Statement, which: Which) -> Result<Self, Error> {
        let asked = match which {
            Which::After(id) => id,
            Which::One(id) => Some(id),
        };
        let mut cursor = Self {
            rows: statement.query([asked]).map_err(side.explain)?,
            explain: side.explain,
            item: None,
        };
        cursor.advance()?;
        Ok(cursor)
    }

    fn advance(&mut self) -> Result<(), Error> {
        // The memory of the item before is used again.
        let mut item = self.item.take().unwrap_or_default();
        let mut read = || -> rusqlite::Result<bool> {
            let Some(row) = self.rows.next()? else {
                return Ok(false);
            };
            item.name = row.get(1)?;
            for (column, text) in [(0, &mut item.id), (2, &mut item.json)] {
                text.clear();
                text.push_str(row.get_ref(column)?.as_str()?);
            }
            Ok(true)
        };
        let is_there = read().map_err(self.explain)?;
        self.item = is_there.then_some(item);
        Ok(())
    }

    fn difference(&self, change: Change) -> Option<Difference> {
        let item = self.item.as_ref()?;
        let bytes = Some(item.json.len() as u64);
        Some(Difference {
            path: join(ITEMS, &item.id),
            title: item.name.clone(),
            kind: EntryKind::Item,
            change,
            bytes_before: bytes.filter(|_| change != Change::Added),
            bytes_after: bytes.filter(|_| change != Change::Removed),
        })
    }
}
