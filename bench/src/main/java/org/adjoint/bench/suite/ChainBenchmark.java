package org.adjoint.bench.suite;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.DType;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Elementwise operations with scalars over 10 million numbers, from variable to variable: nothing is allocated. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ChainBenchmark {
    private static final long ELEMENTS = 10_000_000;

    /** How many operations, such as {@code 10 operations}: add, multiply, maximum and again. */
    @Param({})
    public String contender;

    /** What they work on, for reports. */
    @Param({})
    public String work;

    @Param({})
    public int threads;

    /** Where ours computes: {@code cpu}, {@code cuda}, {@code cuda:1}. */
    @Param({})
    public String device;

    private Device opened;
    private Step step;

    @Setup
    public void prepare() {
        opened = Contenders.open(device, threads);
        Variable source = opened.variable("source", opened.arange(DType.F32, ELEMENTS).mul(1e-7));
        Variable target = opened.variable("target", opened.zeros(DType.F32, ELEMENTS));
        int operations = Integer.parseInt(contender.substring(0, contender.indexOf(' ')));
        step = Step.compileAll(opened, arguments -> {
            Tensor x = source.tensor();
            for (int i = 0; i < operations; i++) {
                x = switch (i % 3) {
                    case 0 -> x.add(0.25);
                    case 1 -> x.mul(0.75);
                    default -> x.maximum(0.5);
                };
            }
            target.assign(x);
            return List.of();
        });
    }

    @Benchmark
    public void chain() {
        step.runAll(List.of());
    }

    @TearDown
    public void close() {
        step.close();
        opened.close();
    }
}
