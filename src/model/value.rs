//! Values with a grammar: one type each, which no other text can get into.
//!
//! What a product reads as a URL, a header name, a topic or a label has the grammar that it has there, so that a workspace
//! without findings compiles to files that the product loads. Quantities are in [`super::quantity`], words of closed
//! vocabularies in [`super::vocabulary`].

mod header;
mod kubernetes;
mod listen;
mod metric;
mod name;
mod path;
mod topic;
mod url;

pub use self::header::check_header;
pub use self::kubernetes::{check_dns_label, check_dns_name, check_label_key, check_label_value};
pub use self::listen::{check_arn, check_listen};
pub use self::metric::{check_label, check_metric};
pub use self::name::{check_prompt, check_resource_uri, check_subject, check_tool, check_unit_claim};
pub use self::path::{check_endpoint, check_path};
pub use self::topic::check_topic;
pub use self::url::{check_origin, check_url};

/// Types that hold a text which passed its check.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident by $check:path;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Reads it.
            ///
            /// # Errors
            /// What is wrong with it, and the accepted form.
            pub fn parse(text: &str) -> Result<Self, String> {
                $check(text).map(|()| Self(text.to_owned()))
            }

            /// The text as written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::ops::Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self)
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }
    )*};
}

texts! {
    /// The URI of an MCP resource, or a pattern of such URIs in which `*` matches any text, in normal form.
    ResourceUri by check_resource_uri;
    /// `https://host[:port]/path`, or `http://`.
    HttpUrl by check_url;
    /// The origin of a web page: scheme, host and port, as browsers write it.
    Origin by check_origin;
    /// The name of an HTTP header field (RFC 9110).
    HeaderName by check_header;
    /// The name of a metric, as Prometheus takes it.
    MetricName by check_metric;
    /// The name of a label of a metric, as Prometheus takes it.
    LabelName by check_label;
    /// The name of a topic, as Kafka takes it.
    TopicName by check_topic;
    /// One label of a DNS name (RFC 1123), as Kubernetes names things.
    DnsLabel by check_dns_label;
    /// What an HTTP probe asks for: a path on the server itself, or a URL.
    ProbeEndpoint by check_endpoint;
    /// The path of a file.
    FilePath by check_path;
}
