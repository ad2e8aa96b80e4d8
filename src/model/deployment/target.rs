//! The one list of targets: their numbers and names. What each of them does stands in [`crate::targets`].

/// Hands the list of all targets to a macro. A row is the kind of target, which is also the folder of its modules
/// (`targets/KIND/MODULE.rs`, `lift/KIND/MODULE.rs`), its variant, its module and its name. The rows are sorted by name.
macro_rules! targets {
    ($with:ident) => {
        $with! {
            access Agentcore agentcore "agentcore";
            access Agentgateway agentgateway "agentgateway";
            access AiGateway ai_gateway "ai-gateway";
            access Cedar cedar "cedar";
            access Envoy envoy "envoy";
            access Istio istio "istio";
            operations Kubernetes kubernetes "kubernetes";
            access Toolhive toolhive "toolhive";
        }
    };
}
pub(crate) use targets;

macro_rules! ids {
    ($($kind:ident $variant:ident $module:ident $name:literal;)*) => {
        /// A target by number.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum TargetId {
            $(
                #[doc = concat!("`", $name, "`.")]
                $variant,
            )*
        }

        impl TargetId {
            /// Every target, sorted by name.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name: on the command line, in `mcpctl.yaml`, and the folder of its files in a bundle.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}
targets!(ids);

impl TargetId {
    /// The target of a name that a person or a file gives.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|target| target.name() == name)
    }
}

impl core::fmt::Display for TargetId {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.write_str(self.name())
    }
}
