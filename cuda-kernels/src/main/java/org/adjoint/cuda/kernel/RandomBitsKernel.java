package org.adjoint.cuda.kernel;

import java.util.Map;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Prepared;
import org.adjoint.cuda.launch.Source;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** {@link org.adjoint.graph.Philox}: {@code random_bits.cu}. */
public final class RandomBitsKernel {
    private static final int THREADS = 256;
    /** Of a thread. */
    private static final int WORDS = 16;
    /** Elements of one block of the generator. */
    public static final int BLOCK = 4;
    /** Of a {@code Generator} in {@code philox.cuh}. */
    private static final int GENERATOR_BYTES = 3 * Long.BYTES;

    private RandomBitsKernel() { }

    public static Prepared prepare(PlanStep.Kernel step) {
        View state = step.inputs().get(0);
        View stream = step.inputs().get(1);
        View y = step.outputs().getFirst();
        long count = y.shape().elements();
        if (count == 0) {
            return Prepared.NOTHING;
        }
        return Prepared.of(Launch.of(Source.ofFile("random_bits.cu", Map.of()), "random_bits",
            Math.ceilDiv(count, (long) THREADS * WORDS), THREADS, Argument.of(state), Argument.of(state.strides()[0]),
            Argument.of(stream), Argument.of(y), Argument.of(count)));
    }

    /** Whether there is room for what the bits are made from in their place. */
    public static boolean canDefer(PlanStep.Kernel step) {
        View y = step.outputs().getFirst();
        return y.shape().elements() * y.dtype().bytes() >= GENERATOR_BYTES && y.byteOffset() % Long.BYTES == 0;
    }

    /** Leaves in the bits' place what they are made from, for a group that makes them. */
    public static Prepared defer(PlanStep.Kernel step) {
        View state = step.inputs().get(0);
        return Prepared.of(Launch.of(Source.ofFile("random_bits.cu", Map.of()), "random_generator", 1, 1,
            Argument.of(state), Argument.of(state.strides()[0]), Argument.of(step.inputs().get(1)),
            Argument.of(step.outputs().getFirst())));
    }
}
