//! The types of columns as Parquet writes them.

use std::sync::Arc;

use anyhow::Result;
use kseg::decode::avro::TimeUnit as Unit;
use parquet::basic::{
    DecimalType, LogicalType, Repetition, TimeUnit, TimestampType, Type as Physical,
};
use parquet::schema::types::Type;

use super::{ColumnType, Field, Width};

/// The type of a column; all are optional.
pub(super) fn type_of(field: &Field) -> Result<Type> {
    let name = &*field.name;
    let (physical, logical) = match &field.kind {
        ColumnType::List(item) => {
            let items = group("list", Repetition::REPEATED, None, vec![type_of(item)?])?;
            return optional(name, Some(LogicalType::List), vec![items]);
        }
        ColumnType::Map(value) => {
            let key = Type::primitive_type_builder("key", Physical::BYTE_ARRAY)
                .with_repetition(Repetition::REQUIRED)
                .with_logical_type(Some(LogicalType::String))
                .build()?;
            let pair = vec![key, type_of(value)?];
            let pairs = group("key_value", Repetition::REPEATED, None, pair)?;
            return optional(name, Some(LogicalType::Map), vec![pairs]);
        }
        ColumnType::Struct(fields) => {
            let columns: Result<Vec<Type>> = fields.iter().map(type_of).collect();
            return optional(name, None, columns?);
        }
        ColumnType::Decimal { precision, scale } => return decimal(name, *precision, *scale),
        ColumnType::Binary => (Physical::BYTE_ARRAY, None),
        ColumnType::Utf8 => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        ColumnType::Bool => (Physical::BOOLEAN, None),
        ColumnType::Int(Width::Two) => (Physical::INT32, Some(LogicalType::integer(16, true))),
        ColumnType::Int(Width::Four) => (Physical::INT32, None),
        ColumnType::Int(Width::Eight) => (Physical::INT64, None),
        ColumnType::Float => (Physical::FLOAT, None),
        ColumnType::Double => (Physical::DOUBLE, None),
        ColumnType::Date => (Physical::INT32, Some(LogicalType::Date)),
        ColumnType::Time(unit) => {
            let is_small = *unit == Unit::Millis;
            let physical = if is_small {
                Physical::INT32
            } else {
                Physical::INT64
            };
            (physical, Some(LogicalType::Time(time(*unit, false))))
        }
        ColumnType::Timestamp { unit, is_utc } => {
            let logical = LogicalType::Timestamp(time(*unit, *is_utc));
            (Physical::INT64, Some(logical))
        }
    };
    Ok(Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()?)
}

fn optional(name: &str, logical: Option<LogicalType>, columns: Vec<Type>) -> Result<Type> {
    group(name, Repetition::OPTIONAL, logical, columns)
}

fn group(
    name: &str,
    repetition: Repetition,
    logical: Option<LogicalType>,
    columns: Vec<Type>,
) -> Result<Type> {
    Ok(Type::group_type_builder(name)
        .with_repetition(repetition)
        .with_logical_type(logical)
        .with_fields(columns.into_iter().map(Arc::new).collect())
        .build()?)
}

fn decimal(name: &str, precision: u8, scale: u8) -> Result<Type> {
    let (precision, scale) = (precision.into(), scale.into());
    let logical = LogicalType::Decimal(DecimalType { scale, precision });
    Ok(
        Type::primitive_type_builder(name, Physical::FIXED_LEN_BYTE_ARRAY)
            .with_repetition(Repetition::OPTIONAL)
            .with_length(16)
            .with_precision(precision)
            .with_scale(scale)
            .with_logical_type(Some(logical))
            .build()?,
    )
}

fn time(unit: Unit, is_utc: bool) -> TimestampType {
    TimestampType {
        is_adjusted_to_u_t_c: is_utc,
        unit: match unit {
            Unit::Millis => TimeUnit::MILLIS,
            Unit::Micros => TimeUnit::MICROS,
            Unit::Nanos => TimeUnit::NANOS,
        },
    }
}
