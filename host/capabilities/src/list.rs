//! The macro behind the one list of capabilities.

macro_rules! capabilities {
    ($($name:ident),* $(,)?) => {
        $(mod $name;)*

        /// The scope types, by capability.
        pub mod scopes {
            $(
                #[doc = concat!("The scope of `", stringify!($name), "`.")]
                pub mod $name { pub use crate::$name::scope::*; }
            )*
        }

        /// All capabilities, with the services behind them.
        pub struct Capabilities {
            pseudonyms: Arc<dyn portcullis_model::pseudonym::Pseudonyms>,
            $($name: $name::Cap,)*
        }

        impl Capabilities {
            /// All of them on these services.
            pub fn new(services: &Services) -> Self {
                Self { pseudonyms: services.pseudonyms.clone(), $($name: $name::Cap::new(services),)* }
            }
        }

        /// What an installation's layers amount to.
        pub struct Authorities {
            pub(crate) events: portcullis_model::authority::Authority<portcullis_model::scope::EventsScope>,
            $(pub(crate) $name: Arc<portcullis_model::authority::Authority<
                <$name::Cap as portcullis_runtime::capability::Capability>::Scope>>,)*
        }

        impl Authorities {
            /// Reads the layers.
            pub(crate) fn read(
                layers: &portcullis_runtime::capability::Layers,
            ) -> Result<Self, portcullis_model::scope::ScopeError> {
                Ok(Self { events: read(layers)?, $($name: Arc::new(read(layers)?),)* })
            }
        }

        /// What one call holds.
        pub struct States { $($name: <$name::Cap as portcullis_runtime::capability::Capability>::State,)* }

        impl portcullis_runtime::capability::CapabilitySet for Capabilities {
            type Authorities = Authorities;
            type States = States;

            fn authorities(
                &self,
                layers: &portcullis_runtime::capability::Layers,
            ) -> Result<Authorities, portcullis_model::scope::ScopeError> {
                Authorities::read(layers)
            }

            fn granted(authorities: &Authorities) -> Vec<&'static str> {
                use portcullis_runtime::capability::Capability as _;
                let mut names = Vec::new();
                $(if !authorities.$name.effective().is_empty() { names.push($name::Cap::NAME); })*
                names
            }

            fn link(
                &self,
                linker: &mut portcullis_runtime::wasmtime::component::Linker<portcullis_runtime::CallStore<States>>,
                authorities: &Authorities,
                wasi: &portcullis_runtime::wasi::Imports,
            ) -> portcullis_runtime::wasmtime::Result<()> {
                use portcullis_runtime::capability::Capability as _;
                $(if !authorities.$name.effective().is_empty() {
                    $name::Cap::link(linker, |store| &mut store.states.$name)?;
                    if !wasi.is_empty() {
                        $name::Cap::link_wasi(linker, wasi)?;
                    }
                })*
                Ok(())
            }

            fn open(&self, gate: &portcullis_runtime::gate::Gate, authorities: &Authorities) -> States {
                use portcullis_runtime::capability::Capability as _;
                States { $($name: self.$name.open(gate.clone(), authorities.$name.clone()),)* }
            }

            fn narrow(
                &self,
                event: &portcullis_model::event::Event,
                authorities: &Authorities,
                call: &Arc<portcullis_model::call::Call>,
            ) -> Result<String, String> {
                let veil = portcullis_model::veil::Veil::new(call.clone(), self.pseudonyms.clone());
                crate::narrow::narrow(event, authorities, &veil)
            }
        }

        $(impl portcullis_runtime::wasi::Holds<$name::Cap> for portcullis_runtime::CallStore<States> {
            fn view(
                &mut self,
            ) -> portcullis_runtime::wasi::View<'_, <$name::Cap as portcullis_runtime::capability::Capability>::State> {
                let (state, table) = (&mut self.states.$name, self.wasi.table());
                portcullis_runtime::wasi::View { state, table }
            }
        })*

        fn unknown(scope: &portcullis_model::scope::ScopeText, name: &str) -> portcullis_model::scope::ScopeError {
            scope.error(format!(
                "there is no capability '{name}'; {}",
                portcullis_model::scope::nearest(name, &["events", $(stringify!($name)),*]),
            ))
        }

        /// The catalogue: what there is, and what its scopes mean.
        #[derive(Clone, Copy, Debug, Default)]
        pub struct Catalogue;

        impl portcullis_model::catalogue::Catalogue for Catalogue {
            fn names(&self) -> &[&'static str] {
                &[$(stringify!($name)),*]
            }

            fn describe(
                &self,
                scope: &portcullis_model::scope::ScopeText,
            ) -> Result<Vec<portcullis_model::catalogue::ScopeDescription>, portcullis_model::scope::ScopeError> {
                match scope.capability() {
                    "events" => describe::<portcullis_model::scope::EventsScope>(scope),
                    $(stringify!($name) =>
                        describe::<<$name::Cap as portcullis_runtime::capability::Capability>::Scope>(scope),)*
                    other => Err(unknown(scope, other)),
                }
            }

            fn interface(&self, capability: &str) -> Option<&'static portcullis_model::catalogue::Interface> {
                match capability {
                    $(stringify!($name) =>
                        Some(<$name::Cap as portcullis_runtime::capability::Capability>::INTERFACE),)*
                    _ => None,
                }
            }

            fn wasi(&self, import: &str) -> Option<portcullis_model::catalogue::WasiImport> {
                portcullis_runtime::wasi::known(import)
            }

            fn standing(
                &self,
                layers: &[(portcullis_model::authority::Layer, Vec<portcullis_model::scope::ScopeText>)],
                wanted: &portcullis_model::scope::ScopeText,
            ) -> Result<portcullis_model::authority::Standing, portcullis_model::scope::ScopeError> {
                use portcullis_model::authority::standing;
                match wanted.capability() {
                    "events" => standing::<portcullis_model::scope::EventsScope>(layers, wanted),
                    $(stringify!($name) =>
                        standing::<<$name::Cap as portcullis_runtime::capability::Capability>::Scope>(layers, wanted),)*
                    other => Err(unknown(wanted, other)),
                }
            }

            fn meet(
                &self,
                a: &[portcullis_model::scope::ScopeText],
                b: &[portcullis_model::scope::ScopeText],
            ) -> Result<Vec<portcullis_model::scope::ScopeText>, portcullis_model::scope::ScopeError> {
                let mut all = meet::<portcullis_model::scope::EventsScope>(a, b)?;
                $(all.extend(meet::<<$name::Cap as portcullis_runtime::capability::Capability>::Scope>(a, b)?);)*
                Ok(all)
            }
        }
    };
}

use portcullis_model::{
    authority::Authority,
    catalogue::ScopeDescription,
    scope::{Grant, Scope, ScopeError, ScopeText},
};
use portcullis_runtime::capability::Layers;

pub(crate) fn read<S: Scope>(layers: &Layers) -> Result<Authority<S>, ScopeError> {
    let layers = layers.iter().map(|(layer, texts)| Ok((*layer, Grant::parse(texts)?)));
    Ok(Authority::new(layers.collect::<Result<_, ScopeError>>()?))
}

pub(crate) fn describe<S: Scope>(scope: &ScopeText) -> Result<Vec<ScopeDescription>, ScopeError> {
    let scopes = portcullis_model::scope::read::<S>(scope)?;
    let described = |s: &S| ScopeDescription {
        words: s.describe(),
        risk: s.risk(),
        classes: s.classes().into_iter().collect(),
        destinations: s.destinations(),
    };
    Ok(scopes.iter().map(described).collect())
}

pub(crate) fn meet<S: Scope>(a: &[ScopeText], b: &[ScopeText]) -> Result<Vec<ScopeText>, ScopeError> {
    Ok(Grant::<S>::parse(a)?.meet(&Grant::parse(b)?).texts())
}
