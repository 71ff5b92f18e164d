package org.adjoint.cpu.gemm;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Fused multiply-adds and nothing else, in {@code F32}: their rate is the ceiling of matrix products. Twelve chains,
 * more than a processor has multiply-adds in flight (two units, four or five cycles each).
 */
public final class MultiplyAdds {
    private static final int CHAINS = 12;

    private final boolean hasVectors;

    private MultiplyAdds(boolean hasVectors) {
        this.hasVectors = hasVectors;
    }

    /** In the widest vectors of the machine, or in scalar code without the Vector API. */
    public static MultiplyAdds preferred() {
        return new MultiplyAdds(Gemm.preferred().vectorBits() > 0);
    }

    /** Operations of a call of {@link #run}, two for each multiply-add. */
    public double operations(int rounds) {
        return 2.0 * CHAINS * rounds * (hasVectors ? Vectors.SPECIES.length() : 1);
    }

    /** @return what the chains end in, so that no compiler leaves them out */
    public float run(int rounds) {
        return hasVectors ? Vectors.run(rounds) : scalars(rounds);
    }

    private static float scalars(int rounds) {
        float x = 0.5f;
        float a = 1;
        float b = 2;
        float c = 3;
        float d = 4;
        for (int i = 0; i < rounds * (CHAINS / 4); i++) {
            a = Math.fma(a, x, x);
            b = Math.fma(b, x, x);
            c = Math.fma(c, x, x);
            d = Math.fma(d, x, x);
        }
        return a + b + c + d;
    }

    /** Loaded only where the Vector API is present. */
    private static final class Vectors {
        static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

        static float run(int rounds) {
            FloatVector x = FloatVector.broadcast(SPECIES, 0.5f);
            FloatVector a = x;
            FloatVector b = x;
            FloatVector c = x;
            FloatVector d = x;
            FloatVector e = x;
            FloatVector f = x;
            FloatVector g = x;
            FloatVector h = x;
            FloatVector i = x;
            FloatVector j = x;
            FloatVector k = x;
            FloatVector l = x;
            for (int round = 0; round < rounds; round++) {
                a = a.fma(x, x);
                b = b.fma(x, x);
                c = c.fma(x, x);
                d = d.fma(x, x);
                e = e.fma(x, x);
                f = f.fma(x, x);
                g = g.fma(x, x);
                h = h.fma(x, x);
                i = i.fma(x, x);
                j = j.fma(x, x);
                k = k.fma(x, x);
                l = l.fma(x, x);
            }
            return a.add(b).add(c).add(d).add(e).add(f).add(g).add(h).add(i).add(j).add(k).add(l).lane(0);
        }
    }
}
