//! The operation as Rust. Nothing here can fail: what is wrong was found before.
//!
//! Expanded code names only `::idempotent::__private` and `::core`. Its locals have names of their own
//! hygiene, the user's tokens keep their places, and methods are called on types of ours by value, where
//! no trait of the user's can come first.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Type, spanned::Spanned as _};

use crate::{
    args::{Keep, OnErr},
    effect::Markers,
    function::{Form, Function, replace_self},
    model::{self, Model},
};

/// The function that stands where the annotated one stood.
pub(crate) fn expand(model: &Model, markers: &Markers) -> TokenStream {
    let Function { attrs, vis, defaultness, sig, form, output, .. } = &model.function;
    let Some(output) = output else { return TokenStream::new() };
    let operation = operation(model, markers);
    let run = run(model, markers, output);
    let body = match form {
        Form::Sync | Form::Async => quote_spanned!(mixed()=> { #operation #run }),
        Form::Boxed { pin, prelude, .. } => {
            quote_spanned!(mixed()=> { #operation #pin(async move { #(#prelude)* #run }) })
        }
    };
    quote!(#(#attrs)* #vis #defaultness #sig #body)
}

fn mixed() -> Span {
    Span::mixed_site()
}

/// The place of the user's tokens with our own names.
fn at(tokens: impl ToTokens) -> Span {
    tokens.span().resolved_at(mixed())
}

fn local(name: &str) -> Ident {
    Ident::new(&format!("__idempotent_{name}"), mixed())
}

/// The static description of the operation.
fn operation(model: &Model, markers: &Markers) -> TokenStream {
    let name = match model.args.name.get() {
        Some(name) => name.to_token_stream(),
        None => {
            let function = model.function.sig.ident.to_string();
            let function = function.trim_start_matches("r#");
            quote_spanned!(mixed()=> ::core::concat!(::core::module_path!(), "::", #function))
        }
    };
    let mut options = TokenStream::new();
    if !markers.is_empty() {
        options.extend(quote_spanned!(mixed()=> .marker()));
    }
    if model.args.rerun.written().is_some() {
        options.extend(quote_spanned!(mixed()=> .rerun()));
    }
    if let Some(check) = model.args.check.get() {
        let after = check.after_micros;
        options.extend(quote_spanned!(mixed()=> .check_after_micros(#after)));
    }
    if let Some(wait) = model.args.wait.get() {
        options.extend(quote_spanned!(mixed()=> .wait_micros(#wait)));
    }
    if let Some(Keep::Micros(keep)) = model.args.keep.get() {
        options.extend(quote_spanned!(mixed()=> .keep_micros(#keep)));
    }
    quote_spanned! {mixed()=>
        static __IDEMPOTENT_OPERATION: ::idempotent::__private::Operation =
            ::idempotent::__private::Operation::new(#name)
                .declared_at(::core::file!(), ::core::line!(), ::core::column!())
                #options;
    }
}

/// The call: key, arguments and where it is recorded. A statement of its own, so that a guard in the
/// key expression is gone before anything is waited for.
fn call(model: &Model, output: &Type) -> TokenStream {
    let this = |tokens: TokenStream| match &model.function.form {
        Form::Boxed { receiver: Some(name), .. } => replace_self(tokens, name),
        _ => tokens,
    };
    let mut call =
        quote_spanned!(mixed()=> ::idempotent::__private::Operation::call(&__IDEMPOTENT_OPERATION));
    for part in &model.key {
        let text = &part.text;
        let value = this(reference(&part.expr));
        call.extend(quote_spanned!(at(&part.expr)=> .key(#text, #value)));
    }
    for name in &model.type_params {
        call.extend(quote_spanned!(mixed()=> .generic::<#name>()));
    }
    for name in &model.const_params {
        let text = name.to_string();
        call.extend(quote_spanned!(at(name)=> .key(#text, &#name)));
    }
    for name in &model.rest {
        let text = name.to_string();
        call.extend(quote_spanned!(at(name)=> .rest(#text, &#name)));
    }
    if let Some(store) = model.args.store.get() {
        let value = this(reference(store));
        call.extend(quote_spanned!(at(store)=> .store(#value)));
    }
    match model.args.map_err.get() {
        Some(path) => call.extend(quote_spanned!(at(path)=> .returns_with::<#output>(#path))),
        None => call.extend(quote_spanned!(at(output)=> .returns::<#output>())),
    }
    call.extend(quote_spanned! {mixed()=>
        .error_text({
            #[allow(unused_imports)]
            use ::idempotent::__private::{ViaDisplay as _, ViaName as _};
            (&::idempotent::__private::Probe::<<#output as ::idempotent::__private::Returns>::Err>::NEW)
                .error_text()
        })
    });
    match model.args.on_err.get() {
        None => {}
        Some(OnErr::Release(word)) => call.extend(quote_spanned!(at(word)=> .on_err_release())),
        Some(OnErr::Store(word)) => call.extend(quote_spanned!(at(word)=> .on_err_store())),
        Some(OnErr::With(path)) => call.extend(quote_spanned! {at(path)=>
            .on_err_with(#path, {
                #[allow(unused_imports)]
                use ::idempotent::__private::{ViaNothing as _, ViaSerde as _};
                (&::idempotent::__private::Probe::<<#output as ::idempotent::__private::Returns>::Err>::NEW)
                    .error_codec()
            })
        }),
    }
    call
}

/// `&expr`, with parentheses only where they are needed.
fn reference(expr: &syn::Expr) -> TokenStream {
    let and_token = syn::Token![&](at(expr));
    syn::ExprReference { attrs: Vec::new(), and_token, mutability: None, expr: Box::new(expr.clone()) }
        .into_token_stream()
}

/// Claims, runs the body when it is this call's turn, and settles.
fn run(model: &Model, markers: &Markers, output: &Type) -> TokenStream {
    let is_async = model.function.is_async();
    let [call_name, claim, out] = [local("call"), local("claim"), local("out")];
    let call = call(model, output);
    let body = markers.place(&model.function.body, &claim);
    let rebinds = &model.function.rebinds;
    let next = next(model);
    let (run, settle) = if is_async {
        (
            quote_spanned! {mixed()=>
                ::idempotent::__private::Claim::run(&#claim, {
                    let #claim = &#claim;
                    async move {
                        // Never taken: it fixes the type, so that the user's mistakes are told on his own tokens.
                        if let ::core::option::Option::Some(#out) = ::core::option::Option::None::<#output> {
                            return #out;
                        }
                        #(#rebinds)*
                        #body
                    }
                })
                .await
            },
            quote_spanned!(mixed()=> ::idempotent::__private::Claim::settle(#claim, #out).await),
        )
    } else {
        (
            quote_spanned! {mixed()=>
                ::idempotent::__private::Claim::run_blocking(&#claim, {
                    let #claim = &#claim;
                    move || -> #output {
                        #(#rebinds)*
                        #body
                    }
                })
            },
            quote_spanned!(mixed()=> ::idempotent::__private::Claim::settle_blocking(#claim, #out)),
        )
    };
    quote_spanned! {mixed()=>
        let #call_name = #call;
        match #next {
            ::idempotent::__private::Next::Answer(#out) => #out,
            ::idempotent::__private::Next::Run(#claim) => {
                let #out = #run;
                #settle
            }
        }
    }
}

/// What this call is to do: answer, or run the body.
fn next(model: &Model) -> TokenStream {
    let is_async = model.function.is_async();
    let call = local("call");
    let Some(check) = model.args.check.get() else {
        return if is_async {
            quote_spanned!(mixed()=> #call.claim().await)
        } else {
            quote_spanned!(mixed()=> #call.claim_blocking())
        };
    };
    let [claimed, asking, answer, next] = [local("claimed"), local("asking"), local("answer"), local("next")];
    let path = &check.path;
    let arguments = model::receiver_value(&model.function)
        .into_iter()
        .chain(model.function.params.iter().filter_map(model::rebuilt));
    let ask = quote_spanned!(at(path)=> #path(#(#arguments),*));
    let place = at(path);
    let (claim, ask, told) = if is_async {
        (
            quote_spanned!(mixed()=> #call.claim_or_check().await),
            quote_spanned!(place=> #ask.await),
            quote_spanned!(place=> #asking.answer(#answer).await),
        )
    } else {
        (
            quote_spanned!(mixed()=> #call.claim_or_check_blocking()),
            ask,
            quote_spanned!(place=> #asking.answer_blocking(#answer)),
        )
    };
    quote_spanned! {mixed()=>
        {
            let mut #claimed = #claim;
            loop {
                match #claimed {
                    ::idempotent::__private::Claimed::Check(#asking) => {
                        let #answer = #ask;
                        #claimed = #told;
                    }
                    ::idempotent::__private::Claimed::Next(#next) => break #next,
                }
            }
        }
    }
}
