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
 * The loops of layer and root mean square normalization over a row of memory, with the bits of
 * {@link NormalizationRows} and {@link RmsNormRows} over a copy. The last loop over a row takes the sum of the next, which
 * has come into cache when its turn comes.
 */
public final class LayerNormRows {
    private static final Map<List<Object>, LayerNormRows> LAYER = new ConcurrentHashMap<>();
    private static final Map<List<Object>, LayerNormRows> RMS = new ConcurrentHashMap<>();

    /** Null for root mean square normalization. */
    private final TieredKernel sum;
    /** Of what is centered, or of the row as it is. */
    private final TieredKernel squares;
    private final TieredKernel normalize;

    /** @param warm whether there are no loops until they are fast */
    LayerNormRows(int widthBits, DType dtype, boolean centered, boolean warm) {
        sum = centered ? MemoryLoop.kernel(sum(dtype), widthBits, warm) : null;
        squares = MemoryLoop.kernel(centered ? center(dtype) : squares(dtype), widthBits, warm);
        normalize = MemoryLoop.kernel(centered ? normalizeLayer(dtype) : normalizeRms(dtype), widthBits, warm);
    }

    /** Of layer normalization. */
    public static LayerNormRows layer(int widthBits, DType dtype) {
        return LAYER.computeIfAbsent(List.of(widthBits, dtype), key -> new LayerNormRows(widthBits, dtype, true, true));
    }

    /** Of root mean square normalization. */
    public static LayerNormRows rms(int widthBits, DType dtype) {
        return RMS.computeIfAbsent(List.of(widthBits, dtype), key -> new LayerNormRows(widthBits, dtype, false, true));
    }

    private static LoopProgram sum(DType dtype) {
        Machine m = new Machine();
        return new LoopProgram(List.of(MemoryLoop.memory(dtype)), List.of(), List.of(),
            List.of(MemoryLoop.sum(MemoryLoop.load(m, 0, dtype))));
    }

    private static LoopProgram center(DType dtype) {
        Machine m = new Machine();
        Value x = MemoryLoop.load(m, 0, dtype);
        Value centered = m.sub(x, m.scalar(0, x.kind()));
        return new LoopProgram(List.of(MemoryLoop.memory(dtype)), List.of(x.kind()),
            List.of(new Store(Access.array(x.kind()), centered)), List.of(MemoryLoop.sum(m.mul(centered, centered))));
    }

    private static LoopProgram normalizeLayer(DType dtype) {
        Machine m = new Machine();
        Kind kind = Kind.of(dtype);
        Access row = Access.array(kind);
        Value scaled = m.mul(m.mul(m.input(0, kind), m.scalar(0, kind)), m.input(1, kind));
        return new LoopProgram(List.of(row, row, row, MemoryLoop.memory(dtype)), List.of(kind),
            List.of(MemoryLoop.store(m, dtype, m.add(scaled, m.input(2, kind)))),
            List.of(MemoryLoop.sum(MemoryLoop.load(m, 3, dtype))));
    }

    private static LoopProgram squares(DType dtype) {
        Machine m = new Machine();
        Value x = MemoryLoop.load(m, 0, dtype);
        return new LoopProgram(List.of(MemoryLoop.memory(dtype)), List.of(), List.of(),
            List.of(MemoryLoop.sum(m.mul(x, x))));
    }

    private static LoopProgram normalizeRms(DType dtype) {
        Machine m = new Machine();
        Value x = MemoryLoop.load(m, 0, dtype);
        Value scaled = m.mul(m.mul(x, m.scalar(0, x.kind())), m.input(1, x.kind()));
        Value next = MemoryLoop.load(m, 2, dtype);
        return new LoopProgram(List.of(MemoryLoop.memory(dtype), Access.array(x.kind()), MemoryLoop.memory(dtype)),
            List.of(x.kind()), List.of(MemoryLoop.store(m, dtype, scaled)),
            List.of(MemoryLoop.sum(m.mul(next, next))));
    }

    /**
     * For rows of layer normalization; null while there are no fast loops.
     *
     * @param row scratch
     */
    public Layer layer(MemorySegment x, Object row, Object gamma, Object beta, MemorySegment y) {
        MemoryLoop first = MemoryLoop.of(sum, x);
        MemoryLoop second = MemoryLoop.of(squares, x, row);
        MemoryLoop third = MemoryLoop.of(normalize, row, gamma, beta, x, y);
        return first == null || second == null || third == null ? null : new Layer(first, second, third);
    }

    /** For rows of root mean square normalization; null while there are no fast loops. */
    public Rms rms(MemorySegment x, Object gamma, MemorySegment y) {
        MemoryLoop first = MemoryLoop.of(squares, x);
        MemoryLoop second = MemoryLoop.of(normalize, x, gamma, x, y);
        return first == null || second == null ? null : new Rms(first, second);
    }

    /** Offsets are in bytes. For one thread. */
    public static final class Layer {
        private final MemoryLoop sum;
        private final MemoryLoop center;
        private final MemoryLoop normalize;

        private Layer(MemoryLoop sum, MemoryLoop center, MemoryLoop normalize) {
            this.sum = sum;
            this.center = center;
            this.normalize = normalize;
        }

        public double sum(long xAt, int n) {
            sum.at(0, xAt);
            sum.run(n);
            return sum.sum();
        }

        /** {@code row = x - mean}; returns the sum of its squares. */
        public double center(long xAt, double mean, int n) {
            center.at(0, xAt);
            center.scalar(0, mean);
            center.run(n);
            return center.sum();
        }

        /** {@code y = row * rstd * gamma + beta}; returns the sum of the next row. */
        public double normalize(double rstd, long yAt, long nextXAt, int n) {
            normalize.scalar(0, rstd);
            normalize.at(3, nextXAt);
            normalize.at(4, yAt);
            normalize.run(n);
            return normalize.sum();
        }
    }

    /** Offsets are in bytes. For one thread. */
    public static final class Rms {
        private final MemoryLoop squares;
        private final MemoryLoop normalize;

        private Rms(MemoryLoop squares, MemoryLoop normalize) {
            this.squares = squares;
            this.normalize = normalize;
        }

        public double squares(long xAt, int n) {
            squares.at(0, xAt);
            squares.run(n);
            return squares.sum();
        }

        /** {@code y = x * rstd * gamma}; returns the sum of the squares of the next row. */
        public double normalize(long xAt, double rstd, long yAt, long nextXAt, int n) {
            normalize.at(0, xAt);
            normalize.scalar(0, rstd);
            normalize.at(2, nextXAt);
            normalize.at(3, yAt);
            normalize.run(n);
            return normalize.sum();
        }
    }
}
