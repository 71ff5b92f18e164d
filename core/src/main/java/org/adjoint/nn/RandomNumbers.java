package org.adjoint.nn;

import org.adjoint.graph.Philox;

/**
 * Random numbers of one parameter, each a function of the seed, the parameter's name and the element's place: so the
 * values do not depend on the order in which parameters are made, nor on what other parameters there are.
 */
public final class RandomNumbers {
    private final long seed;
    private final long key;

    RandomNumbers(long seed, String name) {
        this.seed = seed;
        this.key = hash(name);
    }

    /** FNV-1a over the characters (Fowler, Noll, Vo), finished as in MurmurHash3 so that every bit depends on all. */
    private static long hash(String name) {
        long hash = 0xcbf29ce484222325L;
        for (int i = 0; i < name.length(); i++) {
            hash = (hash ^ name.charAt(i)) * 0x100000001b3L;
        }
        hash = (hash ^ hash >>> 33) * 0xff51afd7ed558ccdL;
        hash = (hash ^ hash >>> 33) * 0xc4ceb9fe1a85ec53L;
        return hash ^ hash >>> 33;
    }

    private double fraction(long word) {
        return Integer.toUnsignedLong(Philox.word(seed, key >>> 16, key & 0xffff, word)) * 0x1p-32;
    }

    /** Element {@code index} of a sequence uniform in [0, 1). */
    public double uniform(long index) {
        return fraction(index);
    }

    /** Element {@code index} of a sequence of mean 0 and variance 1, by the transform of Box and Muller (1958). */
    public double normal(long index) {
        long pair = index & ~1L;
        double radius = Math.sqrt(-2 * StrictMath.log(1 - fraction(pair)));
        double angle = 2 * Math.PI * fraction(pair + 1);
        return radius * (index == pair ? StrictMath.cos(angle) : StrictMath.sin(angle));
    }
}
