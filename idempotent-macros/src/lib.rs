//! The attribute of the crate `idempotent`. Use it from there: `use idempotent::idempotent;`.
//!
//! The way of an annotated function: `args` and `function` read what was written, `model` puts both
//! together, `check` holds it against the rules, and `expand` prints it. Every stage reports to one
//! collector; if there is anything in it at the end, `fallback` prints the errors and the function as it was.

mod args;
mod check;
mod effect;
mod errors;
mod expand;
mod fallback;
mod function;
mod key;
mod model;
mod slot;
mod texts;

use proc_macro2::TokenStream;

use crate::{effect::Markers, errors::Errors, function::Item, model::Model};

/// Makes a function take effect once per key.
#[proc_macro_attribute]
pub fn idempotent(
    arguments: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    operation(arguments.into(), item.into()).into()
}

fn operation(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let errors = Errors::new();
    let args = args::parse(arguments, &errors);
    let function = match function::parse(item.clone()) {
        Ok(Item::Function(function)) => *function,
        Ok(Item::Bodiless(name)) => {
            errors.push(name, texts::NO_BODY);
            return fallback::item(item, &errors.take());
        }
        Ok(Item::Other(Some(word))) => {
            errors.push(word, texts::NOT_A_FUNCTION);
            return fallback::item(item, &errors.take());
        }
        Ok(Item::Other(None)) => {
            errors.push(&item, texts::NOT_A_FUNCTION);
            return fallback::item(item, &errors.take());
        }
        Err(error) => {
            errors.keep(syn::Error::new(error.span(), texts::unreadable(&error)));
            return fallback::item(item, &errors.take());
        }
    };
    let model = Model::build(args, function);
    check::all(&model, &errors);
    let markers = Markers::find(&model.function.body, model.function.is_async(), &errors);
    let errors = errors.take();
    if errors.is_empty() {
        expand::expand(&model, &markers)
    } else {
        fallback::function(&model.function, &errors)
    }
}
