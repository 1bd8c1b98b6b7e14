//! `kseg verify --format sarif` against the schema of SARIF 2.1.0, by the part of JSON Schema that it uses.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::cases::TESTDATA;

/// Words of the schema that restrict nothing.
const IDLE: [&str; 7] = [
    "$schema",
    "title",
    "$id",
    "description",
    "definitions",
    "default",
    "format",
];

/// A document and its schema.
struct Validator {
    schema: Value,
    wrong: Vec<String>,
}

impl Validator {
    /// Writes down where `value`, found `at`, is not as `schema` wants it.
    fn check(&mut self, schema: &Value, value: &Value, at: &str) {
        for (word, rule) in schema.as_object().expect("a schema") {
            let is_right = match word.as_str() {
                "$ref" => {
                    let name = rule
                        .as_str()
                        .unwrap()
                        .strip_prefix("#/definitions/")
                        .unwrap();
                    let schema = self.schema["definitions"][name].clone();
                    self.check(&schema, value, at);
                    true
                }
                "type" => is_of(value, rule),
                "enum" => rule.as_array().unwrap().contains(value),
                "required" => {
                    let fields = rule.as_array().unwrap().iter();
                    fields
                        .filter_map(Value::as_str)
                        .all(|field| value.get(field).is_some())
                }
                "minimum" => value
                    .as_f64()
                    .is_none_or(|value| value >= rule.as_f64().unwrap()),
                "maximum" => value
                    .as_f64()
                    .is_none_or(|value| value <= rule.as_f64().unwrap()),
                "minItems" => {
                    let items = value.as_array().map_or(usize::MAX, Vec::len) as u64;
                    items >= rule.as_u64().unwrap()
                }
                "uniqueItems" => value.as_array().is_none_or(|items| {
                    let mut items = items.iter().enumerate();
                    let all = value.as_array().unwrap();
                    *rule == false || items.all(|(n, item)| !all[..n].contains(item))
                }),
                "items" => {
                    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, item, &format!("{at}/{n}"));
                    }
                    true
                }
                "properties" | "additionalProperties" => {
                    self.fields(schema, value, at, word);
                    true
                }
                "anyOf" => rule
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|schema| self.holds(schema, value)),
                "oneOf" => {
                    let schemas = rule.as_array().unwrap().iter();
                    schemas.filter(|schema| self.holds(schema, value)).count() == 1
                }
                // Patterns are of URIs, versions and languages, which only constants are of here.
                "pattern" => true,
                idle => {
                    assert!(IDLE.contains(&idle), "{idle} is not understood");
                    true
                }
            };
            if !is_right {
                self.wrong.push(format!("{at}: {word} {rule}: {value}"));
            }
        }
    }

    fn holds(&self, schema: &Value, value: &Value) -> bool {
        let schema_of_all = self.schema.clone();
        let mut other = Self {
            schema: schema_of_all,
            wrong: Vec::new(),
        };
        other.check(schema, value, "");
        other.wrong.is_empty()
    }

    fn fields(&mut self, schema: &Value, value: &Value, at: &str, word: &str) {
        for (name, field) in value.as_object().into_iter().flatten() {
            let at = format!("{at}/{name}");
            match (
                schema["properties"].get(name),
                &schema["additionalProperties"],
            ) {
                (Some(schema), _) if word == "properties" => self.check(schema, field, &at),
                (None, Value::Bool(false)) if word != "properties" => {
                    self.wrong.push(format!("{at}: unknown"));
                }
                (None, rule @ Value::Object(_)) if word != "properties" => {
                    self.check(rule, field, &at);
                }
                _ => {}
            }
        }
    }
}

fn is_of(value: &Value, kind: &Value) -> bool {
    match kind.as_str().expect("one type") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        other => panic!("{other} is not understood"),
    }
}

fn wrong_with(document: &Value) -> Vec<String> {
    let schema = std::fs::read(Path::new(TESTDATA).join("sarif-schema-2.1.0.json")).unwrap();
    let schema: Value = serde_json::from_slice(&schema).unwrap();
    let mut validator = Validator {
        schema: schema.clone(),
        wrong: Vec::new(),
    };
    validator.check(&schema, document, "");
    validator.wrong
}

#[test]
fn what_sarif_readers_get_is_valid() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kseg"));
    command.args(["verify", "--format", "sarif"]);
    for code in ["B101", "S103", "S115", "R104", "B202"] {
        command.arg(
            Path::new(TESTDATA)
                .join("broken")
                .join(code)
                .join("00000000000000000000.log"),
        );
    }
    let output = command.output().expect("kseg runs");
    let mut document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(document["runs"][0]["results"].as_array().unwrap().len() >= 5);
    assert_eq!(wrong_with(&document), [""; 0]);
    // The validator does see what is wrong.
    document["runs"][0]["results"][0]["level"] = "bad".into();
    document["runs"][0]["results"][1]["message"] = Value::Null;
    document["runs"][0]["results"][2]["rank"] = "high".into();
    document["runs"][0]["results"][3]["colour"] = "red".into();
    assert!(wrong_with(&document).len() >= 4);
}
