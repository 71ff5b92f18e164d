package org.adjoint.graph;

/**
 * The counter-based random numbers that {@link Op.RandomBits} means: Philox4x32-10 (Salmon, Moraes, Dror and Shaw,
 * "Parallel random numbers: as easy as 1, 2, 3", SC11; constants as in the Random123 library).
 *
 * <p>One application of the generator turns a 64-bit key and a 128-bit counter into a block of four 32-bit words.
 * Element i of a tensor takes word {@code i % 4} of block {@code i / 4}. The key and the counter, lowest word first:
 * <pre>
 * k0  seed, bits 0 to 31
 * k1  seed, bits 32 to 63
 * c0  block, bits 0 to 31
 * c1  block, bits 32 to 47, in the lower half; run, bits 32 to 47, in the upper half
 * c2  stream, bits 0 to 31
 * c3  run, bits 0 to 31
 * </pre>
 * So tensors of up to 2^50 elements, 2^48 runs and 2^32 streams have counters of their own.
 */
public final class Philox {
    private static final long MULTIPLIER_0 = 0xD2511F53L;
    private static final long MULTIPLIER_1 = 0xCD9E8D57L;
    private static final int WEYL_0 = 0x9E3779B9;
    private static final int WEYL_1 = 0xBB67AE85;
    private static final int ROUNDS = 10;

    private Philox() { }

    /** The random word of element {@code element} in row-major order. */
    public static int word(long seed, long run, long stream, long element) {
        long block = element >>> 2;
        int k0 = (int) seed;
        int k1 = (int) (seed >>> 32);
        int c0 = (int) block;
        int c1 = (int) (run >>> 32) << 16 | (int) (block >>> 32) & 0xffff;
        int c2 = (int) stream;
        int c3 = (int) run;
        for (int round = 0; round < ROUNDS; round++) {
            long product0 = MULTIPLIER_0 * Integer.toUnsignedLong(c0);
            long product1 = MULTIPLIER_1 * Integer.toUnsignedLong(c2);
            c0 = (int) (product1 >>> 32) ^ c1 ^ k0;
            c1 = (int) product1;
            c2 = (int) (product0 >>> 32) ^ c3 ^ k1;
            c3 = (int) product0;
            k0 += WEYL_0;
            k1 += WEYL_1;
        }
        return switch ((int) element & 3) {
            case 0 -> c0;
            case 1 -> c1;
            case 2 -> c2;
            default -> c3;
        };
    }
}
