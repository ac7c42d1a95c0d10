//! The wasmtime engine and the thread that keeps its time.

use std::{sync::Arc, thread, time::Duration};

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// How long an epoch is.
pub(crate) const TICK: Duration = Duration::from_millis(10);
const MIB: usize = 1024 * 1024;

/// What the operator decides about the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SandboxConfig {
    /// How many calls can run at once.
    pub concurrent_calls: u32,
    /// The largest linear memory that any plugin can be given, in MiB: address space for it is set aside a slot.
    pub memory_mib: u64,
    /// Whether to look for secrets in guest memory after each call.
    pub scan_memory: bool,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self { concurrent_calls: 64, memory_mib: 64, scan_memory: false }
    }
}

/// The engine. Clones share it.
#[derive(Clone)]
pub struct Sandbox {
    engine: Engine,
    pub(crate) config: SandboxConfig,
    _ticker: Arc<Ticker>,
}

impl Sandbox {
    /// Sets the address space aside and starts the epoch thread.
    pub fn new(config: SandboxConfig) -> wasmtime::Result<Self> {
        let engine = Engine::new(&engine_config(&config)).or_else(|error| {
            // Kernels older than 6.7 have no pagemap scan; everything else works the same without it, slower.
            tracing::warn!(%error, "trying without the pagemap scan");
            let mut plain = engine_config(&config);
            plain.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(&config)));
            Engine::new(&plain)
        })?;
        let ticker = Arc::new(Ticker::start(&engine)?);
        Ok(Self { engine, config, _ticker: ticker })
    }

    /// The engine itself.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }
}

fn engine_config(config: &SandboxConfig) -> Config {
    let mut pool = pool(config);
    // Together these halve the cost of a fresh instance; keeping memory resident without the scan makes it worse.
    pool.pagemap_scan(Enabled::Yes)
        .linear_memory_keep_resident(2 * MIB)
        .table_keep_resident(256 * 1024)
        .async_stack_keep_resident(64 * 1024);
    let mut engine = Config::new();
    engine
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .epoch_interruption(true)
        .coredump_on_trap(config.scan_memory)
        .wasm_component_model(true)
        .wasm_relaxed_simd(false)
        .concurrency_support(false);
    engine
}

fn pool(config: &SandboxConfig) -> PoolingAllocationConfig {
    // A search of memory takes a second instance in each store.
    let calls = config.concurrent_calls * if config.scan_memory { 2 } else { 1 };
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_core_instances(calls * 16)
        .total_memories(calls * 2)
        .total_tables(calls * 4)
        .total_stacks(calls)
        .max_core_instances_per_component(64)
        .max_memories_per_component(4)
        .max_tables_per_component(8)
        .table_elements(10_000)
        .max_component_instance_size(MIB)
        .max_memory_size(usize::try_from(config.memory_mib).unwrap_or(64) * MIB)
        .max_unused_warm_slots(calls * 2);
    pool
}

/// Advances the epoch until the engine is gone.
struct Ticker;

impl Ticker {
    fn start(engine: &Engine) -> wasmtime::Result<Self> {
        let engine = engine.weak();
        thread::Builder::new().name("epochs".into()).spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                thread::sleep(TICK);
            }
        })?;
        Ok(Self)
    }
}
