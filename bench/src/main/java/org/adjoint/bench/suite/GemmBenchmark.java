package org.adjoint.bench.suite;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** One matrix product by one contender. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class GemmBenchmark {
    /** {@code adjoint}, {@code adjoint kernel} or the name of a peer. */
    @Param({})
    public String contender;

    /** The text of a {@link GemmCase}. */
    @Param({})
    public String work;

    @Param({})
    public int threads;

    /** Where ours computes: {@code cpu}, {@code cuda}, {@code cuda:1}. */
    @Param({})
    public String device;

    private Contender prepared;

    @Setup
    public void prepare() {
        GemmCase product = GemmCase.parse(work);
        prepared = switch (contender) {
            case Contenders.ADJOINT -> new AdjointGemm(product, Contenders.open(device, threads));
            case Contenders.KERNEL -> new KernelGemm(product);
            default -> Contender.of(Peer.parse(contender).load(product.toMap(threads), threads));
        };
    }

    @Benchmark
    public void multiply() {
        prepared.run();
    }

    @TearDown
    public void close() {
        prepared.close();
    }
}
