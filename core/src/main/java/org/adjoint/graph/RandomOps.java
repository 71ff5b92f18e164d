package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

/**
 * Random numbers made of {@linkplain Op.RandomBits random bits} by exact operations: the same on every device. The
 * state is {@code i64(2)} = (seed, run), the stream tells draws of one run apart.
 *
 * <p>All methods throw {@link IllegalArgumentException} for arguments that do not fit.
 */
public final class RandomOps {
    private static final int F32_DIGITS = 24;

    private RandomOps() { }

    /** Uniform in [0, 1), with as many random bits as the dtype has digits: no value rounds to 1. */
    public static Node uniform(DType dtype, Shape shape, Node state, Node stream) {
        requireResult("uniform", dtype);
        if (dtype != DType.F64) {
            int digits = 1 - Math.getExponent(dtype.epsilon());
            return cast(fraction(randomBits(shape, state, stream), digits), dtype);
        }
        Node bits = cast(randomBits(pair(shape), state, stream), DType.I64);
        Node high = binary(BinaryOp.AND, half(bits, 0, shape), constant(DType.I64, (1L << 27) - 1));
        Node low = binary(BinaryOp.AND, half(bits, 1, shape), constant(DType.I64, (1L << 26) - 1));
        Node joined = add(mul(high, constant(DType.I64, 1L << 26)), low);
        return mul(cast(joined, DType.F64), 0x1p-53);
    }

    /** Standard normal by Box and Muller's transform of two uniforms, in {@code F32} or, for that type, {@code F64}. */
    public static Node normal(DType dtype, Shape shape, Node state, Node stream) {
        requireResult("normal", dtype);
        Node first;
        Node second;
        if (dtype == DType.F64) {
            Node uniform = uniform(dtype, pair(shape), state, stream);
            first = half(uniform, 0, shape);
            second = half(uniform, 1, shape);
        } else {
            // The same uniforms, of halves rather than halved, so that all is one group.
            Node bits = randomBits(pair(shape), state, stream);
            first = fraction(half(bits, 0, shape), F32_DIGITS);
            second = fraction(half(bits, 1, shape), F32_DIGITS);
        }
        Node radius = sqrt(mul(log(sub(1, first)), -2));
        return cast(mul(radius, cos(mul(second, 2 * Math.PI))), dtype);
    }

    private static void requireResult(String op, DType dtype) {
        if (!dtype.isFloating()) {
            throw error("%s: needs a floating dtype but got %s: cast the numbers afterwards", op, dtype.text());
        }
    }

    /** {@code BOOL}, true with the given probability. */
    public static Node bernoulli(double probability, Shape shape, Node state, Node stream) {
        if (!(probability >= 0 && probability <= 1)) {
            throw error("bernoulli: the probability must be in [0, 1] but is %s", probability);
        }
        return lessThan(fraction(randomBits(shape, state, stream), F32_DIGITS), constant(DType.F32, probability));
    }

    /**
     * {@code I64}, from {@code low} up to {@code high} exclusive, by Lemire's multiplication ("Fast random integer
     * generation in an interval", 2019) without its rejection: probabilities differ by at most 2^-32.
     */
    public static Node integers(long low, long high, Shape shape, Node state, Node stream) {
        long count = high - low;
        if (low >= high || count < 0 || count > 1L << 32) {
            throw error("integers: from %d up to %d exclusive there must be 1 to 2^32 values", low, high);
        }
        Node bits = binary(BinaryOp.AND, cast(randomBits(shape, state, stream), DType.I64),
            constant(DType.I64, (1L << 32) - 1));
        Node scaled = binary(BinaryOp.SHIFT_RIGHT_LOGICAL, mul(bits, constant(DType.I64, count)),
            constant(DType.I64, 32L));
        return add(scaled, constant(DType.I64, low));
    }

    /** {@code I64}: 0 to {@code count} exclusive in a random order, that of 64 random bits each. */
    public static Node permutation(long count, Node state, Node stream) {
        Shape shape = Shape.of(count);
        Node bits = cast(randomBits(pair(shape), state, stream), DType.I64);
        Node low = binary(BinaryOp.AND, half(bits, 1, shape), constant(DType.I64, (1L << 32) - 1));
        Node keys = add(mul(half(bits, 0, shape), constant(DType.I64, 1L << 32)), low);
        return IndexingOps.argSort(keys, 0, false);
    }

    /**
     * {@code I64}, an index along the last axis with probability {@code softmax(logits)}: the largest of the logits
     * after each got noise of Gumbel's distribution.
     */
    public static Node categorical(Node logits, Node state, Node stream) {
        requireFloating("categorical", logits.dtype());
        Node wide = widen(logits);
        Node noise = neg(log(neg(log(uniform(wide.dtype(), logits.shape(), state, stream)))));
        return argReduce(true, add(wide, noise), -1);
    }

    /** The upper {@code digits} bits behind the binary point, as an {@code F32}. */
    private static Node fraction(Node bits, int digits) {
        Node upper = binary(BinaryOp.SHIFT_RIGHT_LOGICAL, bits, constant(DType.I32, 32L - digits));
        return mul(cast(upper, DType.F32), Math.scalb(1.0, -digits));
    }

    private static Shape pair(Shape shape) {
        long[] extents = new long[shape.rank() + 1];
        extents[0] = 2;
        System.arraycopy(shape.toArray(), 0, extents, 1, shape.rank());
        return Shape.of(extents);
    }

    private static Node half(Node pair, int index, Shape shape) {
        return reshape(slice(pair, 0, index, index + 1), shape);
    }

    /**
     * Zeroes elements with the given probability and divides the others by what is left of 1 (Srivastava et al.,
     * "Dropout", 2014); 16-bit ones in {@code F32}, in which the factor is not off by as much as an element may be.
     */
    public static Node dropout(Node x, double probability, Node state, Node stream) {
        requireFloating("dropout", x.dtype());
        if (!(probability >= 0 && probability < 1)) {
            throw error("dropout: the probability must be in [0, 1) but is %s", probability);
        }
        if (probability == 0) {
            return x;
        }
        Node keep = bernoulli(1 - probability, x.shape(), state, stream);
        return where(keep, cast(mul(widen(x), 1 / (1 - probability)), x.dtype()), zerosLike(x));
    }
}
