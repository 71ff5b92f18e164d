package org.adjoint.cpu.group;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.adjoint.cpu.group.Machine.Value;

/** The loops of root mean square normalization over one row. */
public final class RmsNormRows extends FusedRows {
    private static final Map<List<Object>, RmsNormRows> INSTANCES = new ConcurrentHashMap<>();

    private final TieredKernel squares;
    private final TieredKernel normalize;
    private final TieredKernel accumulate;
    private final TieredKernel differentiate;

    private RmsNormRows(int widthBits, Kind kind) {
        super(widthBits, kind);
        this.squares = loop(squares(kind));
        this.normalize = loop(normalize(kind));
        this.accumulate = loop(accumulate(kind));
        this.differentiate = loop(differentiate(kind));
    }

    /** @param widthBits 128, 256, 512, or 0 for scalar code */
    public static RmsNormRows of(int widthBits, boolean doubles) {
        Kind kind = kind(doubles);
        return INSTANCES.computeIfAbsent(List.of(widthBits, kind), key -> new RmsNormRows(widthBits, kind));
    }

    /** The sum of the squares, each rounded before it is added. */
    public double squares(Object x, int n) {
        return sums(squares, n, new long[0], x)[0];
    }

    private static LoopProgram squares(Kind kind) {
        Machine m = new Machine();
        Value x = m.input(0, kind);
        return program(kind, 1, 0, List.of(), List.of(m.mul(x, x)));
    }

    /** {@code x = x * rstd * gamma}, each operation rounded. */
    public void normalize(Object x, double rstd, Object gamma, int n) {
        run(normalize, n, new long[] {bits(rstd)}, x, gamma, x);
    }

    private static LoopProgram normalize(Kind kind) {
        Machine m = new Machine();
        Value normalized = m.mul(m.input(0, kind), m.scalar(0, kind));
        return program(kind, 2, 1, List.of(m.mul(normalized, m.input(1, kind))), List.of());
    }

    /**
     * {@code x = x * rstd}, {@code dgamma += dy * x} (fused), {@code dy = dy * gamma}; returns the sum of that times x,
     * rounded before.
     */
    public double accumulate(Object x, double rstd, Object dy, Object gamma, Object dgamma, int n) {
        return sums(accumulate, n, new long[] {bits(rstd)}, x, dy, gamma, dgamma, x, dgamma, dy)[0];
    }

    private static LoopProgram accumulate(Kind kind) {
        Machine m = new Machine();
        Value dy = m.input(1, kind);
        Value normalized = m.mul(m.input(0, kind), m.scalar(0, kind));
        Value weighted = m.mul(dy, m.input(2, kind));
        return program(kind, 4, 1, List.of(normalized, m.fma(dy, normalized, m.input(3, kind)), weighted),
            List.of(m.mul(weighted, normalized)));
    }

    /** {@code g = rstd * (g - normalized * slope)}, each operation rounded. */
    public void differentiate(Object g, Object normalized, double slope, double rstd, int n) {
        run(differentiate, n, new long[] {bits(slope), bits(rstd)}, g, normalized, g);
    }

    private static LoopProgram differentiate(Kind kind) {
        Machine m = new Machine();
        Value tilted = m.sub(m.input(0, kind), m.mul(m.input(1, kind), m.scalar(0, kind)));
        return program(kind, 2, 2, List.of(m.mul(m.scalar(1, kind), tilted)), List.of());
    }
}
