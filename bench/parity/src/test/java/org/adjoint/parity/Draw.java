package org.adjoint.parity;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;
import org.adjoint.parity.Argument.Layout;

/** Random shapes, layouts, values and attributes of one case. */
final class Draw {
    private static final long[] EXTENTS = {1, 2, 3, 4, 5, 7, 8, 13, 17, 33};
    private static final long MOST_ELEMENTS = 1_500;

    private final SplittableRandom random;

    Draw(long seed) {
        random = new SplittableRandom(seed);
    }

    /** In [low, high]. */
    int integer(int low, int high) {
        return random.nextInt(low, high + 1);
    }

    boolean coin() {
        return random.nextBoolean();
    }

    /** In [low, high), exact in f32 and short as text. */
    double number(double low, double high) {
        return Math.rint(random.nextDouble(low, high) * 64) / 64;
    }

    @SafeVarargs
    final <T> T oneOf(T... choices) {
        return choices[random.nextInt(choices.length)];
    }

    /** Of a rank in [least, most]. */
    Shape shape(int least, int most) {
        while (true) {
            long[] extents = new long[integer(least, most)];
            Arrays.setAll(extents, i -> EXTENTS[random.nextInt(EXTENTS.length)]);
            Shape shape = Shape.of(extents);
            if (shape.elements() <= MOST_ELEMENTS) {
                return shape;
            }
        }
    }

    /** An axis of a shape, at times counted from the end. */
    int axis(Shape shape) {
        int axis = random.nextInt(shape.rank());
        return coin() ? axis : axis - shape.rank();
    }

    /** A shape that broadcasts to this one. */
    Shape broadcasting(Shape shape) {
        long[] extents = shape.toArray();
        for (int i = 0; i < extents.length; i++) {
            extents[i] = random.nextInt(4) == 0 ? 1 : extents[i];
        }
        int dropped = extents.length == 0 ? 0 : random.nextInt(extents.length);
        return Shape.of(coin() ? extents : Arrays.copyOfRange(extents, dropped, extents.length));
    }

    /** Floating, uniform in [low, high), in any layout. */
    Argument uniform(Shape shape, double low, double high) {
        return argument(DType.F64, shape, anyLayout(shape), () -> (float) random.nextDouble(low, high));
    }

    /** Floating, uniform in [-2, 2). */
    Argument any(Shape shape) {
        return uniform(shape, -2, 2);
    }

    Argument any(long... extents) {
        return any(Shape.of(extents));
    }

    /** Floating: multiples of {@code spacing} plus {@code offset} in about [low, high]. */
    Argument grid(Shape shape, double low, double high, double spacing, double offset) {
        long first = (long) Math.ceil(low / spacing);
        long last = (long) Math.floor(high / spacing);
        return argument(DType.F64, shape, anyLayout(shape),
            () -> (float) (random.nextLong(first, last + 1) * spacing + offset));
    }

    /** Floating, apart from 0. */
    Argument notZero(Shape shape) {
        return grid(shape, -3, 3, 0.25, 0.125);
    }

    /** Floating, no two alike. */
    Argument distinct(Shape shape) {
        Layout layout = anyLayout(shape);
        Argument argument = argument(DType.F64, shape, layout == Layout.EXPANDED ? Layout.CONTIGUOUS : layout, () -> 0);
        double[] values = argument.values();
        for (int i = 0; i < values.length; i++) {
            int j = random.nextInt(i + 1);
            values[i] = values[j];
            values[j] = (i - values.length / 2) * 0.0625;
        }
        return argument;
    }

    /** {@code I64} in [0, bound). */
    Argument indices(Shape shape, long bound) {
        return argument(DType.I64, shape, anyLayout(shape), () -> random.nextLong(bound));
    }

    /** {@code BOOL}. */
    Argument mask(Shape shape) {
        return argument(DType.BOOL, shape, anyLayout(shape), () -> random.nextInt(2));
    }

    double[] normal(int count) {
        double[] values = new double[count];
        Arrays.setAll(values, i -> (float) random.nextGaussian());
        return values;
    }

    private interface Source {
        double next();
    }

    private Layout anyLayout(Shape shape) {
        return shape.rank() == 0 ? Layout.CONTIGUOUS : oneOf(Layout.CONTIGUOUS, Layout.CONTIGUOUS, Layout.TRANSPOSED,
            Layout.STRIDED, Layout.EXPANDED);
    }

    private Argument argument(DType kind, Shape shape, Layout wanted, Source source) {
        int axis = shape.rank() == 0 ? 0 : random.nextInt(shape.rank());
        Layout layout = wanted == Layout.EXPANDED && shape.extent(axis) != 3 ? Layout.STRIDED : wanted;
        int last = shape.rank() - 1;
        Shape base = switch (layout) {
            case CONTIGUOUS -> shape;
            case TRANSPOSED -> shape.with(axis, shape.extent(last)).with(last, shape.extent(axis));
            case STRIDED -> shape.with(axis, 2 * shape.extent(axis) + 1);
            case EXPANDED -> shape.with(axis, 1);
        };
        double[] values = new double[(int) base.elements()];
        Arrays.setAll(values, i -> source.next());
        return new Argument(kind, values, base, layout, axis);
    }
}
