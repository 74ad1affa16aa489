//! What is inside a node, step by step: items, entries, variants.

use super::super::diagnostic::Diagnostic;
use super::super::place::Span;
use super::super::tree::{Entry, Node, Value};
use super::fault::{Fault, MOST, Step, closest, did_you_mean, listed};
use super::reader::Reader;
use serde::de::value::{StrDeserializer, U32Deserializer};
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

/// The numbers of a place, then the value.
pub(super) struct WithPlace<'a> {
    pub(super) numbers: std::array::IntoIter<u32, 5>,
    pub(super) reader: Option<Reader<'a>>,
}

impl<'de> SeqAccess<'de> for WithPlace<'_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        if let Some(number) = self.numbers.next() {
            let number: U32Deserializer<Fault> = number.into_deserializer();
            return seed.deserialize(number).map(Some);
        }
        self.reader
            .take()
            .map(|reader| seed.deserialize(reader))
            .transpose()
    }
}

/// The items of a list.
pub(super) struct Items<'a> {
    reader: Reader<'a>,
    items: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
}

impl<'a> Items<'a> {
    pub(super) fn new(reader: Reader<'a>, items: &'a [Node]) -> Self {
        Self {
            reader,
            items: items.iter().enumerate(),
        }
    }
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let Some((at, item)) = self.items.next() else {
            return Ok(None);
        };
        self.reader
            .child(item)
            .read(seed)
            .map(Some)
            .map_err(|fault| fault.under(Step::Index(at)))
    }
}

/// The entries of a map; of a struct, those that it knows.
pub(super) struct Entries<'a> {
    reader: Reader<'a>,
    entries: std::slice::Iter<'a, Entry>,
    fields: Option<&'static [&'static str]>,
    current: Option<&'a Entry>,
}

impl<'a> Entries<'a> {
    pub(super) fn new(
        reader: Reader<'a>,
        entries: &'a [Entry],
        fields: Option<&'static [&'static str]>,
    ) -> Self {
        Self {
            reader,
            entries: entries.iter(),
            fields,
            current: None,
        }
    }

    fn report_unknown(&self, entry: &Entry, fields: &[&str]) {
        let mut diagnostic = Diagnostic::error(entry.place, format!("unknown key `{}`", entry.key));
        diagnostic = match closest(&entry.key, fields.iter().copied()) {
            Some(meant) => diagnostic.help(did_you_mean(meant)),
            None if fields.is_empty() => diagnostic.help("there are no keys here"),
            None => diagnostic.help(format!("the keys here are {}", listed(fields))),
        };
        let mut unknown = self.reader.unknown.borrow_mut();
        if unknown.len() < MOST && !unknown.contains(&diagnostic) {
            unknown.push(diagnostic);
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        while let Some(entry) = self.entries.next() {
            if let Some(fields) = self.fields
                && !fields.contains(&entry.key.as_str())
            {
                self.report_unknown(entry, fields);
                continue;
            }
            self.current = Some(entry);
            let key: StrDeserializer<'_, Fault> = entry.key.as_str().into_deserializer();
            return seed
                .deserialize(key)
                .map(Some)
                .map_err(|fault| fault.at(entry.place).under(Step::Key(entry.key.clone())));
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let Some(entry) = self.current.take() else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        self.reader
            .child(&entry.value)
            .read(seed)
            .map_err(|fault| fault.under(Step::Key(entry.key.clone())))
    }
}

/// A variant: a bare word, or a map with one key.
pub(super) struct Variant<'a> {
    pub(super) word: &'a str,
    pub(super) place: Span,
    pub(super) content: Option<&'a Entry>,
    pub(super) reader: Reader<'a>,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Fault;
    type Variant = Content<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Content<'a>), Fault> {
        let word: StrDeserializer<'_, Fault> = self.word.into_deserializer();
        let variant = seed.deserialize(word).map_err(|fault| fault.at(self.place))?;
        Ok((variant, Content(self)))
    }
}

/// What stands behind a variant's word.
pub(super) struct Content<'a>(Variant<'a>);

impl Content<'_> {
    fn read<T>(self, read: impl FnOnce(Reader<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
        match self.0.content {
            Some(entry) => read(self.0.reader.child(&entry.value))
                .map_err(|fault| fault.under(Step::Key(entry.key.clone()))),
            // A bare word stands for the variant with every default.
            None => {
                let empty = Node {
                    value: Value::Map(Vec::new()),
                    place: self.0.place,
                };
                read(self.0.reader.child(&empty)).map_err(|fault| {
                    Fault::new(format!("`{}` needs settings: {}", self.0.word, fault)).at(self.0.place)
                })
            }
        }
    }
}

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.0.content.map(|entry| &entry.value.value) {
            None | Some(Value::Null) => Ok(()),
            Some(Value::Map(entries)) if entries.is_empty() => Ok(()),
            Some(_) => Err(Fault::new(format!("`{}` has no settings", self.0.word)).at(self.0.place)),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        self.read(|reader| reader.read(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        self.read(|reader| reader.deserialize_tuple(length, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.read(|reader| reader.deserialize_struct("", fields, visitor))
    }
}
