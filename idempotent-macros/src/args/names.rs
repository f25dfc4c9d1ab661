//! Lists of names of arguments: `skip(portal, database)`, `secret(ssn)`.

use proc_macro2::Ident;
use syn::{
    Token,
    ext::IdentExt as _,
    parse::{ParseStream, Parser as _},
};

use super::form::{Read, Written, skip_to_comma};
use crate::{errors::Errors, texts};

pub(super) fn as_names(list_name: &Ident, written: Written, errors: &Errors) -> Read<Vec<Ident>> {
    let Written::List(list) = written else { return Read::Malformed };
    let mut names: Vec<Ident> = Vec::new();
    let mut told = false;
    let read = |input: ParseStream<'_>| {
        while !input.is_empty() {
            match input.call(Ident::parse_any) {
                Ok(name) if input.is_empty() || input.peek(Token![,]) => {
                    if names.contains(&name) {
                        errors.push(&name, texts::names_twice(list_name, &name));
                    } else {
                        names.push(name);
                    }
                }
                Ok(name) => {
                    skip_to_comma(input);
                    errors.push(name, texts::not_a_name(list_name));
                    told = true;
                }
                Err(_) => {
                    if let Some(token) = skip_to_comma(input) {
                        errors.push(token, texts::not_a_name(list_name));
                        told = true;
                    }
                }
            }
            let _: Option<Token![,]> = input.parse()?;
        }
        Ok(())
    };
    if let Err(error) = read.parse2(list) {
        errors.keep(error);
        told = true;
    }
    match (names.is_empty(), told) {
        (false, _) => Read::Value(names),
        (true, true) => Read::Told,
        (true, false) => Read::Malformed,
    }
}
