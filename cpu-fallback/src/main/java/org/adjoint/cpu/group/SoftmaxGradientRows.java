package org.adjoint.cpu.group;

import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.adjoint.cpu.group.LoopProgram.Access;
import org.adjoint.cpu.group.LoopProgram.Fold;
import org.adjoint.cpu.group.Machine.Value;
import org.adjoint.graph.DType;

/**
 * The loops of the gradients of softmax and of its logarithm over rows of memory, with the bits of {@link RowKernels}
 * over copies. The last loop over a row takes the sum of the next, which has come into cache when its turn comes.
 */
public final class SoftmaxGradientRows {
    private static final Map<List<Object>, SoftmaxGradientRows> INSTANCES = new ConcurrentHashMap<>();

    private final TieredKernel sum;
    private final TieredKernel differentiate;
    private final boolean log;

    /** @param warm whether there are no loops until they are fast */
    SoftmaxGradientRows(int widthBits, DType dtype, boolean log, boolean warm) {
        this.log = log;
        sum = MemoryLoop.kernel(sum(dtype, log), widthBits, warm);
        differentiate = MemoryLoop.kernel(log ? differentiateLog(dtype) : differentiate(dtype), widthBits, warm);
    }

    /**
     * @param widthBits 128, 256, 512, or 0 for scalar code, for which there are no loops
     * @param log of the logarithm
     */
    public static SoftmaxGradientRows of(int widthBits, DType dtype, boolean log) {
        return INSTANCES.computeIfAbsent(List.of(widthBits, dtype, log),
            key -> new SoftmaxGradientRows(widthBits, dtype, log, true));
    }

    private static List<Access> memory(DType dtype, int count) {
        return Collections.nCopies(count, MemoryLoop.memory(dtype));
    }

    /** Of the rows at operands {@code y} and {@code y + 1}; of the logarithm's, of the latter alone. */
    private static Fold fold(Machine m, DType dtype, boolean log, int y) {
        Value dy = MemoryLoop.load(m, y + 1, dtype);
        return log ? MemoryLoop.sum(dy) : MemoryLoop.dot(MemoryLoop.load(m, y, dtype), dy);
    }

    private static LoopProgram sum(DType dtype, boolean log) {
        return new LoopProgram(memory(dtype, 2), List.of(), List.of(), List.of(fold(new Machine(), dtype, log, 0)));
    }

    private static LoopProgram differentiate(DType dtype) {
        Machine m = new Machine();
        Value y = MemoryLoop.load(m, 0, dtype);
        Value dx = m.mul(y, m.sub(MemoryLoop.load(m, 1, dtype), m.scalar(0, y.kind())));
        return new LoopProgram(memory(dtype, 4), List.of(y.kind()), List.of(MemoryLoop.store(m, dtype, dx)),
            List.of(fold(m, dtype, false, 2)));
    }

    private static LoopProgram differentiateLog(DType dtype) {
        Machine m = new Machine();
        Value y = MemoryLoop.load(m, 0, dtype);
        Value dx = m.fma(m.scalar(0, y.kind()), Exponentials.exp(m, y), MemoryLoop.load(m, 1, dtype));
        return new LoopProgram(memory(dtype, 4), List.of(y.kind()), List.of(MemoryLoop.store(m, dtype, dx)),
            List.of(fold(m, dtype, true, 2)));
    }

    /** For rows; null while there are no fast loops. */
    public Rows rows(MemorySegment y, MemorySegment dy, MemorySegment dx) {
        MemoryLoop first = MemoryLoop.of(sum, y, dy);
        MemoryLoop second = MemoryLoop.of(differentiate, y, dy, y, dy, dx);
        return first == null || second == null ? null : new Rows(first, second, log);
    }

    /** Offsets are in bytes. For one thread. */
    public static final class Rows {
        private final MemoryLoop sum;
        private final MemoryLoop differentiate;
        private final boolean log;

        private Rows(MemoryLoop sum, MemoryLoop differentiate, boolean log) {
            this.sum = sum;
            this.differentiate = differentiate;
            this.log = log;
        }

        /** {@code sum(y dy)}; of the logarithm {@code sum(dy)}. */
        public double sum(long yAt, long dyAt, int n) {
            sum.at(0, yAt);
            sum.at(1, dyAt);
            sum.run(n);
            return sum.sum();
        }

        /** {@code dx = y (dy - sum)}, or {@code dy - sum exp(y)}; returns {@link #sum} of the next row. */
        public double differentiate(long yAt, long dyAt, double sum, long dxAt, long nextYAt, long nextDyAt, int n) {
            differentiate.scalar(0, log ? -sum : sum);
            differentiate.at(0, yAt);
            differentiate.at(1, dyAt);
            differentiate.at(2, nextYAt);
            differentiate.at(3, nextDyAt);
            differentiate.at(4, dxAt);
            differentiate.run(n);
            return differentiate.sum();
        }
    }
}
