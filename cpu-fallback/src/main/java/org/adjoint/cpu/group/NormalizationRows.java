package org.adjoint.cpu.group;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.adjoint.cpu.group.Machine.Value;

/** The loops of layer normalization over one row. */
public final class NormalizationRows extends FusedRows {
    private static final Map<List<Object>, NormalizationRows> INSTANCES = new ConcurrentHashMap<>();

    private final TieredKernel center;
    private final TieredKernel normalize;
    private final TieredKernel accumulate;
    private final TieredKernel weigh;
    private final TieredKernel differentiate;

    private NormalizationRows(int widthBits, Kind kind) {
        super(widthBits, kind);
        this.center = loop(center(kind));
        this.normalize = loop(normalize(kind));
        this.accumulate = loop(accumulate(kind));
        this.weigh = loop(weigh(kind));
        this.differentiate = loop(differentiate(kind));
    }

    /** @param widthBits 128, 256, 512, or 0 for scalar code */
    public static NormalizationRows of(int widthBits, boolean doubles) {
        Kind kind = kind(doubles);
        return INSTANCES.computeIfAbsent(List.of(widthBits, kind), key -> new NormalizationRows(widthBits, kind));
    }

    /** {@code x = x - mean}; returns the sum of the squares, each rounded before it is added. */
    public double center(Object x, double mean, int n) {
        return sums(center, n, new long[] {bits(mean)}, x, x)[0];
    }

    private static LoopProgram center(Kind kind) {
        Machine m = new Machine();
        Value centered = m.sub(m.input(0, kind), m.scalar(0, kind));
        return program(kind, 1, 1, List.of(centered), List.of(m.mul(centered, centered)));
    }

    /** {@code x = x * rstd * gamma + beta}, each operation rounded. */
    public void normalize(Object x, double rstd, Object gamma, Object beta, int n) {
        run(normalize, n, new long[] {bits(rstd)}, x, gamma, beta, x);
    }

    private static LoopProgram normalize(Kind kind) {
        Machine m = new Machine();
        Value scaled = m.mul(m.mul(m.input(0, kind), m.scalar(0, kind)), m.input(1, kind));
        return program(kind, 3, 1, List.of(m.add(scaled, m.input(2, kind))), List.of());
    }

    /** {@code x = (x - mean) * rstd}, {@code dgamma += dy * x} (fused), {@code dbeta += dy}. */
    public void accumulate(Object x, double mean, double rstd, Object dy, Object dgamma, Object dbeta, int n) {
        run(accumulate, n, new long[] {bits(mean), bits(rstd)}, x, dy, dgamma, dbeta, x, dgamma, dbeta);
    }

    private static LoopProgram accumulate(Kind kind) {
        Machine m = new Machine();
        Value dy = m.input(1, kind);
        Value normalized = m.mul(m.sub(m.input(0, kind), m.scalar(0, kind)), m.scalar(1, kind));
        return program(kind, 4, 2, List.of(normalized, m.fma(dy, normalized, m.input(2, kind)),
            m.add(m.input(3, kind), dy)), List.of());
    }

    /** {@code dy = dy * gamma}; returns the sums of that, and of that times {@code normalized}, rounded before. */
    public double[] weigh(Object dy, Object gamma, Object normalized, int n) {
        return sums(weigh, n, new long[0], dy, gamma, normalized, dy);
    }

    private static LoopProgram weigh(Kind kind) {
        Machine m = new Machine();
        Value weighted = m.mul(m.input(0, kind), m.input(1, kind));
        return program(kind, 3, 0, List.of(weighted), List.of(weighted, m.mul(weighted, m.input(2, kind))));
    }

    /** {@code g = rstd * (g - level - normalized * slope)}, each operation rounded. */
    public void differentiate(Object g, Object normalized, double level, double slope, double rstd, int n) {
        run(differentiate, n, new long[] {bits(level), bits(slope), bits(rstd)}, g, normalized, g);
    }

    private static LoopProgram differentiate(Kind kind) {
        Machine m = new Machine();
        Value shifted = m.sub(m.input(0, kind), m.scalar(0, kind));
        Value tilted = m.sub(shifted, m.mul(m.input(1, kind), m.scalar(1, kind)));
        return program(kind, 2, 3, List.of(m.mul(m.scalar(2, kind), tilted)), List.of());
    }
}
