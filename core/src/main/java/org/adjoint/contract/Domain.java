package org.adjoint.contract;

import java.util.SplittableRandom;

/** Where the values of an operand come from. */
sealed interface Domain {
    /** {@code count} values, the same for the same generator. */
    double[] draw(int count, SplittableRandom random);

    /** Uniform in [low, high). */
    record Uniform(double low, double high) implements Domain {
        @Override
        public double[] draw(int count, SplittableRandom random) {
            return random.doubles(count, low, high).toArray();
        }
    }

    /** Multiples of {@code spacing} plus {@code offset}, about [low, high]: away from what lies in between. */
    record Grid(double low, double high, double spacing, double offset) implements Domain {
        @Override
        public double[] draw(int count, SplittableRandom random) {
            long first = (long) Math.ceil(low / spacing);
            long last = (long) Math.floor(high / spacing);
            return random.longs(count, first, last + 1).mapToDouble(k -> k * spacing + offset).toArray();
        }
    }

    /** Numbers around 0, {@code spacing} apart, each once, in random order: nothing ties. */
    record Distinct(double spacing) implements Domain {
        @Override
        public double[] draw(int count, SplittableRandom random) {
            double[] values = new double[count];
            for (int i = 0; i < count; i++) {
                int j = random.nextInt(i + 1);
                values[i] = values[j];
                values[j] = (i - count / 2) * spacing;
            }
            return values;
        }
    }

    /** These, over and over. */
    record Values(double... values) implements Domain {
        @Override
        public double[] draw(int count, SplittableRandom random) {
            double[] drawn = new double[count];
            for (int i = 0; i < count; i++) {
                drawn[i] = values[i % values.length];
            }
            return drawn;
        }
    }

    static Domain uniform(double low, double high) {
        return new Uniform(low, high);
    }

    static Domain grid(double low, double high, double spacing, double offset) {
        return new Grid(low, high, spacing, offset);
    }

    static Domain distinct(double spacing) {
        return new Distinct(spacing);
    }

    static Domain values(double... values) {
        return new Values(values);
    }

    /** Whole numbers in [low, high]. */
    static Domain whole(long low, long high) {
        return new Grid(low, high, 1, 0);
    }
}
