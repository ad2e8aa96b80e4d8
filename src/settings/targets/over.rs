//! Settings laid over others: key by key, the upper one counts where it says something.

use std::collections::BTreeMap;

use super::{GatewayEntry, PlainSettings, TlsSettings};
use crate::model::quantity::{Bytes, Duration};
use crate::model::value::HttpUrl;
use crate::source::Spanned;

pub trait Over {
    /// This, and `base` where this says nothing.
    fn over(self, base: Self) -> Self;
}

impl<T: Over> Over for Option<T> {
    fn over(self, base: Self) -> Self {
        match (self, base) {
            (Some(own), Some(base)) => Some(own.over(base)),
            (own, base) => own.or(base),
        }
    }
}

impl<T: Over> Over for Spanned<T> {
    fn over(self, base: Self) -> Self {
        Spanned::new(self.value.over(base.value), self.loc)
    }
}

impl<T> Over for Vec<T> {
    fn over(self, base: Self) -> Self {
        if self.is_empty() { base } else { self }
    }
}

impl<T: Over> Over for BTreeMap<String, T> {
    fn over(self, mut base: Self) -> Self {
        for (key, own) in self {
            let value = match base.remove(&key) {
                Some(under) => own.over(under),
                None => own,
            };
            base.insert(key, value);
        }
        base
    }
}

/// What is replaced as a whole.
macro_rules! whole {
    ($($type:ty),*) => { $(impl Over for $type { fn over(self, _: Self) -> Self { self } })* };
}
whole!(String, bool, u32, Bytes, Duration, HttpUrl, PlainSettings, TlsSettings);

/// What is replaced key by key. The list of keys is complete, or it does not compile.
macro_rules! by_key {
    ($type:ident { $($key:ident),* }) => {
        impl $crate::settings::targets::over::Over for $type {
            fn over(self, base: Self) -> Self {
                let Self { $($key),* } = self;
                Self { $($key: $key.over(base.$key)),* }
            }
        }
    };
}
pub(super) use by_key;
by_key!(GatewayEntry { listen, admin, tls });
