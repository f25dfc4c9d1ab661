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
mod lock;
mod model;
mod slot;
mod template;
mod texts;

use proc_macro2::TokenStream;

use crate::{effect::Markers, errors::Errors, function::Item, model::Model};

/// Makes a function take effect once per key: across retries, threads, processes and crashes.
///
/// ```ignore
/// #[idempotent(key = (patient_id, date), skip(portal), check(find_appointment, after = "2s"))]
/// async fn create_appointment(portal: &Portal, patient_id: &str, date: Date) -> Result<Appointment, ClinicError> {
///     portal.log_in().await?;
///     portal.fill_form(patient_id, date).await?;
///     effect!(portal.click_submit().await?);
///     portal.read_confirmation().await
/// }
/// ```
///
/// | argument | what it says |
/// |---|---|
/// | `key = expr` | what makes two calls the same call: `order.id`, a tuple of parts, a format string `"{a}:{b}"`, or `all`. Required |
/// | `name = ".."` | the operation's name, kept when the code moves. Required for methods |
/// | `skip(a, b)` | arguments that may differ between two calls that are the same |
/// | `secret(a)` | arguments that identify the call and that nobody may read |
/// | `scope = expr` | the tenant: part of the key, and a column of its own in lists |
/// | `store = expr` | where the record lives, if not in the installed store |
/// | `check(path, after = "2s")` | how to find out whether an interrupted attempt has happened; `first`: asked before a first attempt, too |
/// | `rerun` | running twice does no harm |
/// | `on_err = release`, `store` or a path | what an `Err` means once the effect may have begun |
/// | `wait = "60s"` | how long to wait for another call of the same key |
/// | `keep = "30d"` or `forever` | how long a result is kept |
/// | `value(version = 2, upgrade = path)` | the schema version of the result, and how to read older ones |
/// | `map_err = path` | how to make the function's error of ours, without `From` |
/// | `crate = path` | where this crate is, if not at `::idempotent` |
///
/// Each of them has a section, with an example and what it costs, on the page `idempotent::_docs::arguments`.
///
/// The function is a `fn` or an `async fn`: free, a method with any receiver, or a method of a trait, also under
/// `#[async_trait]`. It returns a `Result<T, E>` under any alias, `T: Serialize + DeserializeOwned`,
/// `E: From<idempotent::Error>`. It may be generic, take patterns, `mut` and `impl Trait` arguments, and use `?` and
/// `return`. Other attributes, above or below, stay what they are.
///
/// # What it cannot see
/// An attribute sees one function and nothing around it. So these are up to you:
/// - A function without `self` in an `impl`, whose signature does not say `Self`, looks like a free one. Give it a
///   `name`: two types of one module would share it, and the second one called ends in an error.
/// - A default method of a trait is one operation for all types that do not write their own, and a method in a generic
///   `impl<T>` is one for every `T`. Let the key tell them apart: `key = (self.id, order)`. A second type of result ends
///   in an error.
/// - A `macro_rules!` that writes one method for several types gives each its own `name`, too:
///   `name = concat!(..)` does not work, so let it take the name as a literal.
///
/// # What the body runs in
/// The body becomes a block or closure that owns the arguments it names. A temporary of an `effect!(..)` ends with it.
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
            let text = texts::not_a_function(&word.to_string());
            errors.push(word, text);
            return fallback::item(item, &errors.take());
        }
        Ok(Item::Other(None)) => {
            errors.push(&item, texts::not_a_function(""));
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
