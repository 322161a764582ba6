//! How long the codecs take for the update calls of the three dialects.
//!
//! `cargo bench --bench codec` compares with the run before. The limits are checked by the
//! benchmark `allocations`.

mod exchange;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

use self::exchange::Exchange;

fn codecs(criterion: &mut Criterion) {
    measure(criterion, "execute", Exchange::execute);
    measure(criterion, "send", Exchange::send);
    measure(criterion, "forward", Exchange::forward);
}

fn measure<T>(criterion: &mut Criterion, name: &str, work: fn(&Exchange) -> T) {
    let mut group = criterion.benchmark_group(name);
    for exchange in Exchange::all() {
        let id = BenchmarkId::new(exchange.dialect.name(), exchange.framing.name());
        group.bench_with_input(id, &exchange, |bencher, exchange| {
            bencher.iter(|| work(exchange));
        });
    }
    group.finish();
}

criterion_group!(benches, codecs);
criterion_main!(benches);
