//! The types of columns as Parquet writes them.

use std::sync::Arc;

use anyhow::Result;
use kseg::decode::avro::TimeUnit as Unit;
use parquet::basic::Type as Physical;
use parquet::basic::{DecimalType, LogicalType, Repetition, TimeUnit, TimestampType};
use parquet::schema::types::Type;

use super::{Field, Kind, Width};

/// The type of a column; all are optional.
pub(super) fn type_of(field: &Field) -> Result<Type> {
    let name = &*field.name;
    let (physical, logical) = match &field.kind {
        Kind::List(item) => {
            let items = group("list", Repetition::REPEATED, None, vec![type_of(item)?])?;
            return optional(name, Some(LogicalType::List), vec![items]);
        }
        Kind::Map(value) => {
            let key = Type::primitive_type_builder("key", Physical::BYTE_ARRAY)
                .with_repetition(Repetition::REQUIRED)
                .with_logical_type(Some(LogicalType::String))
                .build()?;
            let pair = vec![key, type_of(value)?];
            let pairs = group("key_value", Repetition::REPEATED, None, pair)?;
            return optional(name, Some(LogicalType::Map), vec![pairs]);
        }
        Kind::Struct(fields) => {
            let columns: Result<Vec<Type>> = fields.iter().map(type_of).collect();
            return optional(name, None, columns?);
        }
        Kind::Decimal { precision, scale } => return decimal(name, *precision, *scale),
        Kind::Binary => (Physical::BYTE_ARRAY, None),
        Kind::Utf8 => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Bool => (Physical::BOOLEAN, None),
        Kind::Int(Width::Two) => (Physical::INT32, Some(LogicalType::integer(16, true))),
        Kind::Int(Width::Four) => (Physical::INT32, None),
        Kind::Int(Width::Eight) => (Physical::INT64, None),
        Kind::Float => (Physical::FLOAT, None),
        Kind::Double => (Physical::DOUBLE, None),
        Kind::Date => (Physical::INT32, Some(LogicalType::Date)),
        Kind::Time(unit) => {
            let is_small = *unit == Unit::Millis;
            let physical = if is_small {
                Physical::INT32
            } else {
                Physical::INT64
            };
            (physical, Some(LogicalType::Time(time(*unit, false))))
        }
        Kind::Timestamp { unit, is_utc } => {
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
