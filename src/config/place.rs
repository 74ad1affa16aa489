//! Where in which file something is written.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// Every file that the configuration was read from. The texts are shared: a copy costs little.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sources(Vec<Arc<SourceFile>>);

/// One configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Path as it is shown.
    pub path: String,
    /// The whole text.
    pub text: String,
}

impl Sources {
    /// Takes in a file and gives it its number.
    pub(crate) fn add(&mut self, path: String, text: String) -> u32 {
        self.0.push(Arc::new(SourceFile { path, text }));
        u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX)
    }

    /// The file that `place` is in.
    pub fn of(&self, place: Span) -> Option<&SourceFile> {
        self.0.get(place.file as usize).map(AsRef::as_ref)
    }

    /// The text at `place`.
    pub fn text(&self, place: Span) -> &str {
        self.of(place)
            .and_then(|source| source.text.get(place.range()))
            .unwrap_or("")
    }

    /// `file:line:column`.
    pub fn show(&self, place: Span) -> String {
        let path = self.of(place).map_or("", |source| source.path.as_str());
        format!("{path}:{}:{}", place.line, place.column)
    }
}

/// A range of characters in one of the [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Number of the file.
    pub(crate) file: u32,
    /// Byte offset of the first character.
    pub(crate) start: u32,
    /// Byte offset after the last.
    pub(crate) end: u32,
    /// Line of the first character, from 1.
    pub line: u32,
    /// Column of the first character, in characters, from 1.
    pub column: u32,
}

impl Span {
    /// Byte offsets into the file's text.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A value and where it is written. Two are equal when their values are.
#[derive(Debug, Clone)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it is written.
    pub place: Span,
}

impl<T> Located<T> {
    /// Another value at the same place.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Located<U> {
        Located {
            value: change(self.value),
            place: self.place,
        }
    }
}

/// As its value.
impl<T: Serialize> Serialize for Located<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<T> Deref for Located<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for Located<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Located<T> {}

/// Asks [`super::typed`]'s deserializer for the place beside the value.
pub(crate) const LOCATED: &str = "$greenroom::Located";

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Located<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple_struct(LOCATED, 6, LocatedVisitor(PhantomData))
    }
}

struct LocatedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for LocatedVisitor<T> {
    type Value = Located<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value with its place")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Located<T>, A::Error> {
        let mut number = || {
            parts
                .next_element::<u32>()?
                .ok_or_else(|| de::Error::custom("no place"))
        };
        let place = Span {
            file: number()?,
            start: number()?,
            end: number()?,
            line: number()?,
            column: number()?,
        };
        let value = parts
            .next_element()?
            .ok_or_else(|| de::Error::custom("no value"))?;
        Ok(Located { value, place })
    }
}

impl<T: JsonSchema> JsonSchema for Located<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
