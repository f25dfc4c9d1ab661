//! What stands there when something is wrong: the errors, and the function as it was written.
//!
//! The function stays, so that its callers do not report it as missing on top, and its markers do
//! nothing, so that they do not report the missing attribute.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};

use crate::{effect, function::Function};

/// The errors beside the function as it was written.
pub(crate) fn function(function: &Function, errors: &[syn::Error]) -> TokenStream {
    let Function { attrs, vis, defaultness, written_sig, outer_body, .. } = function;
    let errors = errors.iter().map(syn::Error::to_compile_error);
    let body = effect::unmarked(outer_body.to_token_stream());
    // The compiler would refuse that by itself, too.
    let mut sig = written_sig.clone();
    sig.variadic = None;
    quote! {
        #(#errors)*
        #(#attrs)*
        #[allow(unused)]
        #vis #defaultness #sig #body
    }
}

/// The errors beside an item that is no function, or none that can be read.
pub(crate) fn item(item: TokenStream, errors: &[syn::Error]) -> TokenStream {
    let errors = errors.iter().map(syn::Error::to_compile_error);
    let item = effect::unmarked(item);
    quote!(#(#errors)* #item)
}
