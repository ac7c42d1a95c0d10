//! The names of all kinds, as their definition has them.

use serde::{
    Deserialize,
    de::{Deserializer, Error, Visitor, value},
    forward_to_deserialize_any,
};

use crate::audit::Kind;

/// Asked for a kind, it keeps what it is told of the names there are.
struct Names<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = value::Error;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = variants;
        Err(Self::Error::custom("only the names are wanted"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(Self::Error::custom("a kind is an enumeration"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The names of all kinds of entries that this version writes.
pub fn kinds() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    // It never succeeds: what matters was kept on the way.
    let _ = Kind::deserialize(Names(&mut names));
    names
}
