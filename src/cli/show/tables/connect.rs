//! Connectors, tasks and offsets of sources.

use kseg::report::connect::Connect;
use serde::Serialize;

use crate::cli::render::rows::{Cell, Column, Row, text};
use crate::cli::schema::{self, Schema};
use crate::cli::writer::Writer;

#[derive(Debug, Serialize)]
struct ConnectorRow {
    connector: String,
    /// The number of a task; `None` for the connector itself.
    task: Option<i64>,
    class: Option<String>,
    state: Option<String>,
    target_state: Option<String>,
    worker: Option<String>,
    topics: Vec<String>,
    error: Option<String>,
}

impl Row for ConnectorRow {
    const SCHEMA: Schema = schema::CONNECTOR;
    const TITLE: &'static str = "Connectors";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Connector", |row: &Self| (&row.connector).into()).wraps(16),
        Column::right("Task", |row: &Self| (&row.task).into()),
        Column::left("State", |row: &Self| text(row.state.as_deref())),
        Column::left("Target state", |row: &Self| {
            text(row.target_state.as_deref())
        })
        .gives_way(3),
        Column::left("Worker", |row: &Self| text(row.worker.as_deref())).gives_way(2),
        Column::left("Class", |row: &Self| text(row.class.as_deref()))
            .wraps(16)
            .gives_way(4),
        Column::left("Topics", |row: &Self| Cell::list(&row.topics))
            .wraps(16)
            .gives_way(5),
        Column::left("Error", |row: &Self| text(row.error.as_deref()))
            .wraps(16)
            .gives_way(1),
    ];
}

#[derive(Debug, Serialize)]
struct OffsetRow {
    connector: String,
    /// The connector's own JSON.
    partition: String,
    offset: String,
    record_offset: i64,
}

impl Row for OffsetRow {
    const SCHEMA: Schema = schema::SOURCE_OFFSET;
    const TITLE: &'static str = "Offsets of sources";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Connector", |row: &Self| (&row.connector).into()).wraps(16),
        Column::left("Partition", |row: &Self| (&row.partition).into()).wraps(16),
        Column::left("Offset", |row: &Self| (&row.offset).into()).wraps(16),
        Column::right("Record offset", |row: &Self| row.record_offset.into()).gives_way(1),
    ];
}

/// Shows the state of a Connect cluster.
pub(in crate::cli::show) fn connect(writer: &mut Writer<'_>, image: &Connect) {
    writer.table(image.connectors.iter().map(|((name, task), connector)| {
        let topics = image.topics.get(name).filter(|_| task.is_none());
        ConnectorRow {
            connector: name.clone(),
            task: task.map(i64::from),
            class: connector.class.clone(),
            state: connector.state.clone(),
            target_state: connector.target_state.clone(),
            worker: connector.worker.clone(),
            topics: topics.into_iter().flatten().cloned().collect(),
            error: connector.error.clone(),
        }
    }));
    writer.table(
        image
            .offsets
            .iter()
            .map(|((connector, partition), offset)| OffsetRow {
                connector: connector.clone(),
                partition: partition.clone(),
                offset: offset.offset.clone(),
                record_offset: offset.record_offset.get(),
            }),
    );
}
