//! Whether two types, as they are written, are the same bytes in a key.

/// What a type becomes in a key, where its name says it.
#[derive(PartialEq, Eq, Debug)]
enum Kind {
    Integer,
    Text,
    Bool,
    Optional(Box<Kind>),
    Sequence(Box<Kind>),
}

/// `Some(true)`: the same; `Some(false)`: never the same; `None`: only their `Serialize` knows.
pub(super) fn alike(old: &str, new: &str) -> Option<bool> {
    let [old, new] = [old, new].map(pointed_at);
    if old == new {
        return Some(true);
    }
    Some(kind(old)? == kind(new)?)
}

/// The type without the references and boxes around it, which serde does not see.
fn pointed_at(ty: &str) -> &str {
    let inner = ty.strip_prefix('&').map(|ty| ty.strip_prefix("mut ").unwrap_or(ty));
    let inner = inner.or_else(|| ["Box", "Rc", "Arc"].iter().find_map(|name| argument(ty, name)));
    let inner = inner.or_else(|| argument(ty, "Cow")?.strip_prefix("'_, "));
    inner.map_or(ty, pointed_at)
}

/// `T` of `path::name<T>`.
fn argument<'a>(ty: &'a str, name: &str) -> Option<&'a str> {
    let (path, rest) = ty.split_once('<')?;
    (path.rsplit("::").next() == Some(name)).then(|| rest.strip_suffix('>')).flatten()
}

fn kind(ty: &str) -> Option<Kind> {
    let ty = pointed_at(ty);
    if let Some(inner) = argument(ty, "Option") {
        return Some(Kind::Optional(Box::new(kind(inner)?)));
    }
    let elements = argument(ty, "Vec").or_else(|| {
        let inside = ty.strip_prefix('[')?.strip_suffix(']')?;
        // An array has another length than a slice may have, but is written like one.
        Some(inside.rsplit_once("; ").map_or(inside, |(element, _)| element))
    });
    if let Some(element) = elements {
        return Some(Kind::Sequence(Box::new(kind(element)?)));
    }
    match ty.rsplit("::").next().unwrap_or(ty) {
        "str" | "String" | "char" => Some(Kind::Text),
        "bool" => Some(Kind::Bool),
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => {
            Some(Kind::Integer)
        }
        name if name.strip_prefix("NonZero").is_some_and(|rest| rest.starts_with(['U', 'I', '<'])) => {
            Some(Kind::Integer)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red when two types that are the same in a key are told apart, or the other way round: the message would
    /// frighten for nothing, or calm down a person who is about to open all keys again.
    #[test]
    fn types_are_held_against_what_keys_make_of_them() {
        for (old, new, expected) in [
            ("&str", "String", Some(true)),
            ("&str", "std::borrow::Cow<'_, str>", Some(true)),
            ("u8", "i64", Some(true)),
            ("NonZeroU32", "&u64", Some(true)),
            ("Option<u8>", "Option<u64>", Some(true)),
            ("&[u8]", "Vec<u32>", Some(true)),
            ("[u8; 4]", "&[u8]", Some(true)),
            ("Order", "&std::sync::Arc<Order>", Some(true)),
            ("u32", "String", Some(false)),
            ("u32", "Option<u32>", Some(false)),
            ("bool", "u8", Some(false)),
            ("Vec<u8>", "Vec<String>", Some(false)),
            ("u32", "OrderId", None),
            ("Option<A>", "Option<B>", None),
            ("a::Order", "b::Order", None),
            ("T", "u8", None),
        ] {
            assert_eq!(alike(old, new), expected, "{old} and {new}");
            assert_eq!(alike(new, old), expected, "{new} and {old}");
        }
    }
}
