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

/** One training step by one contender. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class StepBenchmark {
    /** {@code adjoint} or the name of a peer. */
    @Param({})
    public String contender;

    /** The text of a {@link GptShape}. */
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
        GptShape shape = GptShape.parse(work);
        prepared = contender.equals(Contenders.ADJOINT) ? new AdjointStep(shape, Contenders.open(device, threads))
            : Contender.of(Peer.parse(contender).load(shape.toMap(threads), threads));
    }

    @Benchmark
    public void step() {
        prepared.run();
    }

    @TearDown
    public void close() {
        prepared.close();
    }
}
