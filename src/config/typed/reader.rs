//! One node as serde reads it.

use super::super::diagnostic::Diagnostic;
use super::super::place::{LOCATED, Span};
use super::super::tree::{Node, Number, Value};
use super::access::{Entries, Items, Variant, WithPlace};
use super::fault::{Fault, listed};
use serde::de::{self, DeserializeSeed, Deserializer, Unexpected, Visitor};
use std::cell::RefCell;

/// Reads one node.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) node: &'a Node,
    pub(super) unknown: &'a RefCell<Vec<Diagnostic>>,
}

impl<'a> Reader<'a> {
    /// The same for a node below.
    pub(super) fn child(self, node: &'a Node) -> Self {
        Reader { node, ..self }
    }

    /// Reads the node; a fault that has no place yet gets this one.
    pub(super) fn read<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        let place = self.node.place;
        seed.deserialize(self).map_err(|fault| fault.at(place))
    }

    fn refuse<'de, V: Visitor<'de>>(self, visitor: &V) -> Fault {
        let found = match &self.node.value {
            Value::Null => Unexpected::Unit,
            Value::Bool(truth) => Unexpected::Bool(*truth),
            Value::Number(Number::Whole(number), _) => Unexpected::Unsigned(*number),
            Value::Number(Number::Negative(number), _) => Unexpected::Signed(*number),
            Value::Number(Number::Real(number), _) => Unexpected::Float(*number),
            Value::Text(words) => Unexpected::Str(words),
            Value::List(_) => Unexpected::Seq,
            Value::Map(_) => Unexpected::Map,
        };
        de::Error::invalid_type(found, visitor)
    }

    fn any<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(truth) => visitor.visit_bool(*truth),
            Value::Number(Number::Whole(number), _) => visitor.visit_u64(*number),
            Value::Number(Number::Negative(number), _) => visitor.visit_i64(*number),
            Value::Number(Number::Real(number), _) => visitor.visit_f64(*number),
            Value::Text(words) => visitor.visit_str(words),
            Value::List(items) => visitor.visit_seq(Items::new(self, items)),
            Value::Map(entries) => visitor.visit_map(Entries::new(self, entries, None)),
        }
    }

    fn text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Text(words) | Value::Number(_, words) => visitor.visit_str(words),
            Value::Bool(truth) => visitor.visit_str(if *truth { "true" } else { "false" }),
            _ => self.any(visitor),
        }
    }

    fn truth<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Bool(truth) => visitor.visit_bool(*truth),
            Value::Text(words) => match words.to_lowercase().as_str() {
                "yes" | "on" | "y" | "true" => Err(not_a_boolean(words, true)),
                "no" | "off" | "n" | "false" => Err(not_a_boolean(words, false)),
                _ => Err(self.refuse(&visitor).expected("`true` or `false`")),
            },
            _ => Err(self.refuse(&visitor)),
        }
    }

    fn number<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Number(..) => self.any(visitor),
            _ => Err(self.refuse(&visitor).expected("a number")),
        }
    }
}

fn not_a_boolean(words: &str, meant: bool) -> Fault {
    Fault::new(format!(
        "`{words}` is a text, not `true` or `false`\u{1f}write {meant}"
    ))
}

/// Methods of a deserializer that read the node in the same way and put the place to a fault.
macro_rules! read_as {
    ($($method:ident => $way:ident),* $(,)?) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
                self.$way(visitor).map_err(|fault| fault.at(self.node.place))
            }
        )*
    };
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Fault;

    read_as! {
        deserialize_any => any,
        deserialize_bool => truth,
        deserialize_i8 => number, deserialize_i16 => number, deserialize_i32 => number,
        deserialize_i64 => number, deserialize_u8 => number, deserialize_u16 => number,
        deserialize_u32 => number, deserialize_u64 => number,
        deserialize_f32 => number, deserialize_f64 => number,
        deserialize_char => text, deserialize_str => text, deserialize_string => text,
        deserialize_identifier => text,
        deserialize_bytes => any, deserialize_byte_buf => any,
        deserialize_unit => any, deserialize_seq => any, deserialize_map => any,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
        .map_err(|fault: Fault| fault.at(self.node.place))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor
            .visit_newtype_struct(self)
            .map_err(|fault| fault.at(self.node.place))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if name == LOCATED {
            let Span {
                file,
                start,
                end,
                line,
                column,
            } = self.node.place;
            let numbers = [file, start, end, line, column];
            visitor.visit_seq(WithPlace {
                numbers: numbers.into_iter(),
                reader: Some(self),
            })
        } else {
            self.deserialize_any(visitor)
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Map(entries) => visitor
                .visit_map(Entries::new(self, entries, Some(fields)))
                .map_err(|fault: Fault| fault.at(self.node.place)),
            _ => {
                let keys = fields.iter().take(4).copied().collect::<Vec<_>>();
                let what = format!("a map with keys like {}", listed(&keys));
                Err(self.refuse(&visitor).expected(&what).at(self.node.place))
            }
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let place = self.node.place;
        let variant = match &self.node.value {
            Value::Text(_) if name == "SecretSource" => {
                return Err(Fault::plain_secret(place));
            }
            Value::Text(word) => Variant {
                word,
                place,
                content: None,
                reader: self,
            },
            Value::Map(entries) if entries.len() == 1 => Variant {
                word: &entries[0].key,
                place: entries[0].place,
                content: Some(&entries[0]),
                reader: self,
            },
            Value::Map(entries) if entries.len() > 1 => {
                let fault = Fault::new(format!(
                    "exactly one of {} may be given\u{1f}keep one and take out the others",
                    listed(variants)
                ));
                return Err(fault.at(entries[1].place));
            }
            _ => {
                let what = format!("one of {}", listed(variants));
                return Err(self.refuse(&visitor).expected(&what).at(place));
            }
        };
        visitor
            .visit_enum(variant)
            .map_err(|fault: Fault| fault.at(place))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}
