package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

import java.util.Arrays;
import java.util.List;

/**
 * Attention in the forms that models use, over the {@linkplain FusedOp.Attention fused one}, and rotary positions.
 *
 * <p>All methods throw {@link IllegalArgumentException} for operands that do not fit.
 */
public final class AttentionOps {
    private static final String NAME = "scaledDotProductAttention";

    private AttentionOps() { }

    /**
     * {@code softmax(scale q k^T + bias) v} for q {@code (batch..., heads, t, d)}, k {@code (batch..., groups, s, d)}
     * and v {@code (batch..., groups, s, e)}, whose batch axes broadcast. Neighboring heads share keys and values
     * where there are more heads than groups (Ainslie et al., "GQA", 2023); these are not copied.
     *
     * @param mask null, or what broadcasts to {@code (batch..., heads, t, s)}: floating, added to the scaled scores, or
     *     {@code BOOL}, true for keys that a query sees. A query that sees none by a {@code BOOL} mask gets zeros.
     * @param options whose dropout is left to the caller, see {@link #weights}
     */
    public static Node scaledDotProductAttention(Node q, Node k, Node v, Node mask, AttentionOptions options) {
        Heads heads = Heads.of(q, k, v);
        Mask split = Mask.of(heads, mask, options.causal());
        Node out = NeuralOps.attention(heads.queries(q), heads.shared(k), heads.shared(v), split.bias, options.causal(),
            options.scale().orElse(heads.defaultScale()));
        return split.onlyVisible(out, heads, heads.whole(heads.t, v.shape().extent(v.shape().rank() - 1)));
    }

    /** The weights of {@link #scaledDotProductAttention}, {@code (batch..., heads, t, s)}, before dropout. */
    public static Node weights(Node q, Node k, Node v, Node mask, AttentionOptions options) {
        Heads heads = Heads.of(q, k, v);
        Mask split = Mask.of(heads, mask, options.causal());
        FusedOp.Attention op = new FusedOp.Attention(options.scale().orElse(heads.defaultScale()), options.causal(),
            split.bias != null);
        Node[] inputs = split.bias == null ? new Node[] {heads.queries(q), heads.shared(k), heads.shared(v)}
            : new Node[] {heads.queries(q), heads.shared(k), heads.shared(v),
                broadcastTo(split.bias, heads.grouped(heads.t, heads.s))};
        Node softmax = NeuralOps.softmax(op.scores(Arrays.asList(inputs)), -1);
        return cast(split.onlyVisible(softmax, heads, heads.whole(heads.t, heads.s)), q.dtype());
    }

    /** {@code weights v}, with values shared as in {@link #scaledDotProductAttention}. */
    public static Node weighted(Node weights, Node v) {
        int last = v.shape().rank() - 1;
        Heads heads = Heads.of(weights.shape(), v.shape().with(last, v.shape().extent(last - 1)), v.shape());
        Node out = matmul(heads.queries(weights), heads.shared(v));
        return reshape(out, heads.whole(heads.t, v.shape().extent(last)));
    }

    /**
     * What the operands have in common.
     *
     * @param batch the axes before those below, broadcast; without them where rank is 2
     * @param groups of heads that share keys, or 0 where rank is 2
     * @param size heads per group
     */
    private record Heads(Shape batch, long groups, long size, long t, long s, long depth) {
        static Heads of(Node q, Node k, Node v) {
            requireFloating(NAME, q.dtype());
            return of(q.shape(), k.shape(), v.shape());
        }

        static Heads of(Shape q, Shape k, Shape v) {
            int rank = q.rank();
            if (rank < 2 || k.rank() != rank || v.rank() != rank) {
                throw error("%s: q %s, k %s and v %s need one rank, of at least 2", NAME, q, k, v);
            }
            long depth = q.extent(rank - 1);
            long s = k.extent(rank - 2);
            if (k.extent(rank - 1) != depth || v.extent(rank - 2) != s) {
                throw error("%s: q %s, k %s and v %s must be (..., t, d), (..., s, d) and (..., s, e)", NAME, q, k, v);
            }
            long t = q.extent(rank - 2);
            if (rank == 2) {
                return new Heads(Shape.SCALAR, 0, 0, t, s, depth);
            }
            long heads = q.extent(rank - 3);
            long groups = k.extent(rank - 3);
            if (v.extent(rank - 3) != groups || groups == 0 || heads % groups != 0) {
                throw error("%s: the heads of k %s and v %s must be as many and divide those of q %s", NAME, k, v, q);
            }
            Shape batch = Shape.broadcast(NAME, outer(q), Shape.broadcast(NAME, outer(k), outer(v)));
            return new Heads(batch, groups, heads / groups, t, s, depth);
        }

        private static Shape outer(Shape x) {
            return x.without(x.rank() - 3, x.rank() - 2, x.rank() - 1);
        }

        double defaultScale() {
            return 1 / Math.sqrt(depth);
        }

        private Shape shape(long... last) {
            long[] extents = Arrays.copyOf(batch.toArray(), batch.rank() + last.length);
            System.arraycopy(last, 0, extents, batch.rank(), last.length);
            return Shape.of(extents);
        }

        /** {@code (batch..., groups * size, rows, columns)} */
        Shape whole(long rows, long columns) {
            return groups == 0 ? Shape.of(rows, columns) : shape(groups * size, rows, columns);
        }

        /** {@code (batch..., groups, size, rows, columns)}, without the axis of the size where that is 1. */
        Shape grouped(long rows, long columns) {
            return groups == 0 || size == 1 ? whole(rows, columns) : shape(groups, size, rows, columns);
        }

        Node queries(Node x) {
            Node all = broadcastTo(x, whole(t, x.shape().extent(x.shape().rank() - 1)));
            return reshape(all, grouped(t, x.shape().extent(x.shape().rank() - 1)));
        }

        /** Keys or values, seen by each head of a group. */
        Node shared(Node x) {
            long columns = x.shape().extent(x.shape().rank() - 1);
            if (groups == 0 || size == 1) {
                return broadcastTo(x, whole(s, columns));
            }
            return broadcastTo(reshape(broadcastTo(x, shape(groups, s, columns)), shape(groups, 1, s, columns)),
                grouped(s, columns));
        }
    }

    /**
     * A mask as attention takes it.
     *
     * @param bias added to the scores, or null
     * @param visible {@code BOOL} with rows of extent 1, which queries see any key; null if all do
     */
    private record Mask(Node bias, Node visible) {
        static Mask of(Heads heads, Node mask, boolean causal) {
            if (mask == null) {
                return new Mask(null, null);
            }
            Shape whole = heads.whole(heads.t, heads.s);
            if (!mask.shape().broadcastsTo(whole) || !mask.dtype().isFloating() && !mask.dtype().isBoolean()) {
                throw error("%s: the mask %s must be bool or floating and broadcast to the scores %s", NAME,
                    mask.type(), whole);
            }
            // Of extent 1 where the mask does not differ, so that it is worked out for one head, not for all of them.
            Node aligned = aligned(mask, whole, heads.size);
            if (mask.dtype().isFloating()) {
                return new Mask(aligned, null);
            }
            Node seen = aligned;
            if (causal) {
                Node query = reshape(iota(DType.I32, heads.t), Shape.of(heads.t, 1));
                seen = binary(BinaryOp.AND, seen,
                    binary(BinaryOp.LESS_OR_EQUAL, iota(DType.I32, heads.s), query));
            }
            Node visible = equal(maxKeep(cast(seen, DType.I32)), 1);
            // A row of nothing but -infinity would be NaN, and so would all gradients.
            Node shown = binary(BinaryOp.OR, aligned, unary(UnaryOp.NOT, visible));
            Node bias = where(shown, constant(DType.F32, 0.0), constant(DType.F32, Double.NEGATIVE_INFINITY));
            return new Mask(bias, visible);
        }

        private static Node aligned(Node mask, Shape whole, long size) {
            long[] extents = new long[whole.rank()];
            Arrays.fill(extents, 1);
            System.arraycopy(mask.shape().toArray(), 0, extents, whole.rank() - mask.shape().rank(),
                mask.shape().rank());
            if (whole.rank() < 3 || size == 1) {
                return reshape(mask, Shape.of(extents));
            }
            int axis = whole.rank() - 3;
            long heads = extents[axis];
            long[] split = Arrays.copyOf(extents, extents.length + 1);
            System.arraycopy(extents, axis + 1, split, axis + 2, 2);
            split[axis] = heads == 1 ? 1 : heads / size;
            split[axis + 1] = heads == 1 ? 1 : size;
            return reshape(mask, Shape.of(split));
        }

        /** Zeros for queries that see no key; of shape {@code whole}. */
        Node onlyVisible(Node grouped, Heads heads, Shape whole) {
            Node kept = visible == null ? grouped : where(visible, grouped, zeroOf(grouped.dtype()));
            return reshape(kept, whole);
        }
    }

    /**
     * Turns pairs of elements of vectors {@code (..., width)} by angles {@code position base^(-2 i / width)} (Su et
     * al., "RoFormer", 2021).
     *
     * @param positions integers or floating, what broadcasts to {@code (...)}
     */
    public static Node rotaryEmbedding(Node x, Node positions, RotaryLayout layout, double base) {
        requireFloating("rotaryEmbedding", x.dtype());
        int rank = x.shape().rank();
        if (rank == 0 || x.shape().extent(rank - 1) % 2 != 0) {
            throw error("rotaryEmbedding: vectors x %s must have an even width", x.shape());
        }
        if (positions.dtype().isBoolean() || !positions.shape().broadcastsTo(x.shape().without(rank - 1))) {
            throw error("rotaryEmbedding: positions %s must be numbers that broadcast to the vectors of x %s",
                positions.type(), x.shape());
        }
        if (!(base > 0)) {
            throw error("rotaryEmbedding: the base must be positive but is %s", base);
        }
        Node wide = widen(x);
        long half = x.shape().extent(rank - 1) / 2;
        // A few numbers, in F64: an error of a frequency grows with the position.
        Node exponents = mul(iota(DType.F64, half), half == 0 ? 0 : -StrictMath.log(base) / half);
        Node angles = mul(cast(reshape(positions, positions.shape().withTrailingOne()), wide.dtype()),
            cast(exp(exponents), wide.dtype()));
        Node cos = cos(angles);
        Node sin = sin(angles);
        Shape pairs = layout == RotaryLayout.HALVES ? x.shape() : split(x.shape(), half);
        int axis = layout == RotaryLayout.HALVES ? rank - 1 : rank;
        long step = layout == RotaryLayout.HALVES ? half : 1;
        Node both = reshape(wide, pairs);
        Shape part = x.shape().with(rank - 1, half);
        Node first = reshape(slice(both, axis, 0, step), part);
        Node second = reshape(slice(both, axis, step, 2 * step), part);
        Shape joined = pairs.with(axis, step);
        Node turned = concat(axis, List.of(reshape(sub(mul(first, cos), mul(second, sin)), joined),
            reshape(add(mul(second, cos), mul(first, sin)), joined)));
        return cast(reshape(turned, x.shape()), x.dtype());
    }

    /** {@code (..., 2 half) -> (..., half, 2)} */
    private static Shape split(Shape shape, long half) {
        long[] extents = Arrays.copyOf(shape.toArray(), shape.rank() + 1);
        extents[shape.rank() - 1] = half;
        extents[shape.rank()] = 2;
        return Shape.of(extents);
    }
}
