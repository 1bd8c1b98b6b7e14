//! The rows of `kseg schemas`.

use kseg::decode::registry::{Registered, Registry};
use serde::Serialize;

use crate::cli::render::rows::{Cell, Column, Row};
use crate::cli::schema::{self, Schema};

/// A schema under a subject and version.
#[derive(Debug, Serialize)]
pub(super) struct SchemaRow {
    subject: String,
    version: i32,
    id: i32,
    r#type: &'static str,
    deleted: bool,
    references: Vec<String>,
    /// Topics with `-key` or `-value`; `None` without --usage.
    used_by: Option<Vec<String>>,
    text: String,
}

impl SchemaRow {
    pub(super) fn of(it: &Registered, used_by: Option<Vec<String>>) -> Self {
        let references = it.references.iter();
        Self {
            subject: it.subject.clone(),
            version: it.version,
            id: it.id,
            r#type: it.kind.name(),
            deleted: it.deleted,
            references: references
                .map(|it| format!("{} {}", it.subject, it.version))
                .collect(),
            used_by,
            text: it.text.clone(),
        }
    }
}

impl Row for SchemaRow {
    const SCHEMA: Schema = schema::REGISTERED_SCHEMA;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Subject", |row: &Self| row.subject.as_str().into()).usually(24),
        Column::right("Version", |row: &Self| row.version.into()),
        Column::right("Id", |row: &Self| row.id.into()),
        Column::left("Type", |row: &Self| row.r#type.into()),
        Column::left("State", |row: &Self| {
            if row.deleted { "deleted" } else { "-" }.into()
        }),
        Column::left("References", |row: &Self| Cell::list(&row.references)).gives_way(1),
        Column::left("Used by", |row: &Self| {
            Cell::maybe(row.used_by.as_deref(), Cell::list)
        })
        .wraps(24),
    ];
}

/// An id with several schemas, or without one.
#[derive(Debug, Serialize)]
pub(super) struct ProblemRow {
    problem: &'static str,
    id: i32,
    message: String,
}

impl ProblemRow {
    /// An id with several schemas.
    pub(super) fn several(id: i32, registry: &Registry) -> Self {
        let places = registry.with_id(id).iter();
        let schemas = places.filter_map(|place| registry.schemas().get(*place));
        let named: Vec<String> = schemas
            .map(|it| format!("{} {}", it.subject, it.version))
            .collect();
        Self {
            problem: "several-texts",
            id,
            message: format!("id {id} has several schemas: {}", named.join(", ")),
        }
    }

    /// An id that is used and not defined.
    pub(super) fn undefined(id: i32, topics: &[String]) -> Self {
        Self {
            problem: "undefined",
            id,
            message: format!(
                "id {id} is used by {} and has no schema; look for it in another log dir or a backup",
                topics.join(", ")
            ),
        }
    }
}

impl Row for ProblemRow {
    const SCHEMA: Schema = schema::SCHEMA_PROBLEM;
    const TITLE: &'static str = "Problems";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::right("Id", |row: &Self| row.id.into()),
        Column::left("Problem", |row: &Self| row.problem.into()),
        Column::left("What", |row: &Self| row.message.as_str().into()).wraps(40),
    ];
}
