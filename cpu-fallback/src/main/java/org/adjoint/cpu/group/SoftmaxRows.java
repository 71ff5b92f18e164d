package org.adjoint.cpu.group;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.adjoint.cpu.group.LoopProgram.Access;
import org.adjoint.cpu.group.LoopProgram.Store;
import org.adjoint.cpu.group.Machine.Value;
import org.adjoint.graph.DType;

/**
 * The loops of softmax and of cross-entropy over rows of memory, with the bits of {@link RowKernels} over copies. A row
 * is looked through for its maximum, and so comes into cache, while the row before is worked on.
 */
public final class SoftmaxRows {
    private static final Map<List<Object>, SoftmaxRows> INSTANCES = new ConcurrentHashMap<>();

    private final TieredKernel max;
    private final TieredKernel exponentials;
    private final TieredKernel turn;
    private final TieredKernel scale;
    private final TieredKernel sum;
    private final TieredKernel shift;

    /**
     * @param log whether for the logarithm and for logits, or else for softmax: what is not needed is not compiled
     * @param warm whether there are no loops until they are fast
     */
    SoftmaxRows(int widthBits, DType dtype, boolean log, boolean warm) {
        max = MemoryLoop.kernel(max(dtype), widthBits, warm);
        exponentials = log ? null : MemoryLoop.kernel(exponentials(dtype), widthBits, warm);
        turn = log ? null : MemoryLoop.kernel(turn(dtype), widthBits, warm);
        scale = log ? null : MemoryLoop.kernel(scale(dtype), widthBits, warm);
        sum = log ? MemoryLoop.kernel(sum(dtype), widthBits, warm) : null;
        shift = log ? MemoryLoop.kernel(shift(dtype), widthBits, warm) : null;
    }

    /**
     * @param widthBits 128, 256, 512, or 0 for scalar code, for which there are no loops
     * @param log whether for the logarithm and for logits, or else for softmax
     */
    public static SoftmaxRows of(int widthBits, DType dtype, boolean log) {
        return INSTANCES.computeIfAbsent(List.of(widthBits, dtype, log),
            key -> new SoftmaxRows(widthBits, dtype, log, true));
    }

    private static LoopProgram max(DType dtype) {
        Machine m = new Machine();
        return new LoopProgram(List.of(MemoryLoop.memory(dtype)), List.of(), List.of(),
            List.of(MemoryLoop.max(MemoryLoop.load(m, 0, dtype))));
    }

    private static LoopProgram exponentials(DType dtype) {
        Machine m = new Machine();
        Value x = MemoryLoop.load(m, 0, dtype);
        Value e = Exponentials.exp(m, m.sub(x, m.scalar(0, x.kind())));
        return new LoopProgram(List.of(MemoryLoop.memory(dtype), MemoryLoop.memory(dtype)), List.of(x.kind()),
            List.of(new Store(Access.array(x.kind()), e)),
            List.of(MemoryLoop.sum(e), MemoryLoop.max(MemoryLoop.load(m, 1, dtype))));
    }

    private static LoopProgram turn(DType dtype) {
        Machine m = new Machine();
        Value x = MemoryLoop.load(m, 0, dtype);
        Kind kind = x.kind();
        Value e = Exponentials.exp(m, m.sub(x, m.scalar(0, kind)));
        Value y = m.mul(m.input(2, kind), m.scalar(1, kind));
        return new LoopProgram(
            List.of(MemoryLoop.memory(dtype), MemoryLoop.memory(dtype), Access.array(kind)), List.of(kind, kind),
            List.of(new Store(Access.array(kind), e), MemoryLoop.store(m, dtype, y)),
            List.of(MemoryLoop.sum(e), MemoryLoop.max(MemoryLoop.load(m, 1, dtype))));
    }

    private static LoopProgram scale(DType dtype) {
        Machine m = new Machine();
        Kind kind = Kind.of(dtype);
        return new LoopProgram(List.of(Access.array(kind)), List.of(kind),
            List.of(MemoryLoop.store(m, dtype, m.mul(m.input(0, kind), m.scalar(0, kind)))), List.of());
    }

    private static LoopProgram sum(DType dtype) {
        Machine m = new Machine();
        Value x = MemoryLoop.load(m, 0, dtype);
        Value y = Exponentials.exp(m, m.sub(x, m.scalar(0, x.kind())));
        return new LoopProgram(List.of(MemoryLoop.memory(dtype), MemoryLoop.memory(dtype)), List.of(x.kind()),
            List.of(), List.of(MemoryLoop.sum(y), MemoryLoop.max(MemoryLoop.load(m, 1, dtype))));
    }

    private static LoopProgram shift(DType dtype) {
        Machine m = new Machine();
        Value x = MemoryLoop.load(m, 0, dtype);
        Value shifted = m.sub(m.sub(x, m.scalar(0, x.kind())), m.scalar(1, x.kind()));
        return new LoopProgram(List.of(MemoryLoop.memory(dtype), MemoryLoop.memory(dtype)),
            List.of(x.kind(), x.kind()), List.of(MemoryLoop.store(m, dtype, shifted)),
            List.of(MemoryLoop.max(MemoryLoop.load(m, 1, dtype))));
    }

    /**
     * For rows of a softmax; null while there are no fast loops.
     *
     * @param rows scratch for the exponentials of two rows
     */
    public Softmax softmax(MemorySegment x, MemorySegment y, Object rows) {
        MemoryLoop first = MemoryLoop.of(max, x);
        MemoryLoop second = MemoryLoop.of(exponentials, x, x, rows);
        MemoryLoop third = MemoryLoop.of(turn, x, x, rows, rows, y);
        MemoryLoop last = MemoryLoop.of(scale, rows, y);
        return first == null || second == null || third == null || last == null ? null
            : new Softmax(first, second, third, last);
    }

    /** For rows of a softmax's logarithm; null while there are no fast loops. */
    public LogSoftmax logSoftmax(MemorySegment x, MemorySegment y) {
        MemoryLoop first = MemoryLoop.of(max, x);
        MemoryLoop second = MemoryLoop.of(sum, x, x);
        MemoryLoop third = MemoryLoop.of(shift, x, x, y);
        return first == null || second == null || third == null ? null : new LogSoftmax(first, second, third);
    }

    /** For rows of logits; null while there are no fast loops. */
    public Logits logits(MemorySegment x) {
        MemoryLoop first = MemoryLoop.of(max, x);
        MemoryLoop second = MemoryLoop.of(sum, x, x);
        return first == null || second == null ? null : new Logits(first, second);
    }

    private static double max(MemoryLoop loop, long xAt, int n) {
        loop.at(0, xAt);
        loop.run(n);
        return loop.max();
    }

    /** Offsets are in bytes, those in scratch in elements. For one thread. */
    public static final class Softmax {
        private final MemoryLoop max;
        private final MemoryLoop exponentials;
        private final MemoryLoop turn;
        private final MemoryLoop scale;
        private double nextMax;

        private Softmax(MemoryLoop max, MemoryLoop exponentials, MemoryLoop turn, MemoryLoop scale) {
            this.max = max;
            this.exponentials = exponentials;
            this.turn = turn;
            this.scale = scale;
        }

        /** The largest, NaN if any is. */
        public double max(long xAt, int n) {
            return SoftmaxRows.max(max, xAt, n);
        }

        /** {@code row = exp(x - max)}; returns the sum, and {@link #nextMax} is the largest of the next row. */
        public double exponentials(long xAt, double max, int rowAt, long nextXAt, int n) {
            exponentials.at(0, xAt);
            exponentials.at(1, nextXAt);
            exponentials.at(2, rowAt);
            exponentials.scalar(0, max);
            exponentials.run(n);
            nextMax = exponentials.max();
            return exponentials.sum();
        }

        /** {@link #exponentials} of a row and {@link #scale} of the row before, whose y is written meanwhile. */
        public double turn(long xAt, double max, int rowAt, long nextXAt, double factor, int lastRowAt, long lastYAt,
            int n) {
            turn.at(0, xAt);
            turn.at(1, nextXAt);
            turn.at(2, lastRowAt);
            turn.at(3, rowAt);
            turn.at(4, lastYAt);
            turn.scalar(0, max);
            turn.scalar(1, factor);
            turn.run(n);
            nextMax = turn.max();
            return turn.sum();
        }

        public double nextMax() {
            return nextMax;
        }

        /** {@code y = row * factor}. */
        public void scale(double factor, int rowAt, long yAt, int n) {
            scale.scalar(0, factor);
            scale.at(0, rowAt);
            scale.at(1, yAt);
            scale.run(n);
        }
    }

    /** Offsets are in bytes. For one thread. */
    public static final class LogSoftmax {
        private final MemoryLoop max;
        private final MemoryLoop sum;
        private final MemoryLoop shift;

        private LogSoftmax(MemoryLoop max, MemoryLoop sum, MemoryLoop shift) {
            this.max = max;
            this.sum = sum;
            this.shift = shift;
        }

        /** The largest, NaN if any is. */
        public double max(long xAt, int n) {
            return SoftmaxRows.max(max, xAt, n);
        }

        /** {@code sum exp(x - max)}. */
        public double expSum(long xAt, double max, int n) {
            sum.at(0, xAt);
            sum.at(1, xAt);
            sum.scalar(0, max);
            sum.run(n);
            return sum.sum();
        }

        /** {@code y = (x - max) - log}; returns the largest of the next row. */
        public double shift(long xAt, double max, double log, long yAt, long nextXAt, int n) {
            shift.at(0, xAt);
            shift.at(1, nextXAt);
            shift.at(2, yAt);
            shift.scalar(0, max);
            shift.scalar(1, log);
            shift.run(n);
            return shift.max();
        }
    }

    /** Offsets are in bytes. For one thread. */
    public static final class Logits {
        private final MemoryLoop max;
        private final MemoryLoop sum;

        private Logits(MemoryLoop max, MemoryLoop sum) {
            this.max = max;
            this.sum = sum;
        }

        /** The largest, NaN if any is. */
        public double max(long xAt, int n) {
            return SoftmaxRows.max(max, xAt, n);
        }

        /** {@code sum exp(x - max)}; {@link #nextMax} is then the largest of the next row. */
        public double expSum(long xAt, double max, long nextXAt, int n) {
            sum.at(0, xAt);
            sum.at(1, nextXAt);
            sum.scalar(0, max);
            sum.run(n);
            return sum.sum();
        }

        public double nextMax() {
            return sum.max();
        }
    }
}
