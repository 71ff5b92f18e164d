package org.adjoint.optim;

import java.util.Map;

/**
 * A learning rate that falls when a measure stops falling, as PyTorch's {@code ReduceLROnPlateau} with a relative
 * threshold: after more than {@code patience} measurements in a row that are not below the best by a part of
 * {@code threshold}, the rate is multiplied by {@code factor}. Of a {@linkplain #rising rising} measure likewise.
 *
 * <pre>{@code
 * var plateau = Plateau.of(1e-3).patience(5);
 * adam.learningRate(plateau.measured(validationLoss));
 * }</pre>
 */
public final class Plateau {
    private double rate;
    private double factor = 0.1;
    private long patience = 10;
    private double threshold = 1e-4;
    private long cooldown;
    private double leastRate;
    private boolean rising;
    private double best = Double.POSITIVE_INFINITY;
    private long bad;
    private long cooling;

    private Plateau(double rate) {
        this.rate = rate;
    }

    /** From {@code rate}: factor 0.1, patience 10, threshold 1e-4, no cooldown, no least rate, unless told. */
    public static Plateau of(double rate) {
        if (!(rate >= 0)) {
            throw new IllegalArgumentException("Plateau: the learning rate must not be negative but is " + rate);
        }
        return new Plateau(rate);
    }

    /** Sets what the rate is multiplied by, in (0, 1). */
    public Plateau factor(double value) {
        if (!(value > 0 && value < 1)) {
            throw new IllegalArgumentException("Plateau: the factor must be in (0, 1) but is " + value);
        }
        factor = value;
        return this;
    }

    /** Sets how many measurements without progress are tolerated. */
    public Plateau patience(long measurements) {
        patience = notNegative("patience", measurements);
        return this;
    }

    /** Sets by which part of the best a measure has to fall, or rise, to be progress. */
    public Plateau threshold(double part) {
        if (!(part >= 0 && part < 1)) {
            throw new IllegalArgumentException("Plateau: the threshold must be in [0, 1) but is " + part);
        }
        threshold = part;
        return this;
    }

    /** Sets how many measurements after a fall do not count. */
    public Plateau cooldown(long measurements) {
        cooldown = notNegative("cooldown", measurements);
        return this;
    }

    /** Sets what the rate does not fall below. */
    public Plateau leastRate(double value) {
        if (!(value >= 0)) {
            throw new IllegalArgumentException("Plateau: the least rate must not be negative but is " + value);
        }
        leastRate = value;
        return this;
    }

    /** Takes rises for progress, of an accuracy, say: PyTorch's mode {@code "max"}. Before the first measurement. */
    public Plateau rising() {
        if (best != Double.POSITIVE_INFINITY) {
            throw new IllegalStateException("Plateau: say which way is progress before the first measurement");
        }
        rising = true;
        best = Double.NEGATIVE_INFINITY;
        return this;
    }

    private static long notNegative(String what, long value) {
        if (value < 0) {
            throw new IllegalArgumentException("Plateau: the " + what + " must not be negative but is " + value);
        }
        return value;
    }

    /** The rate from here on, after another measurement. NaN is no progress. */
    public double measured(double measure) {
        if (rising ? measure > best * (1 + threshold) : measure < best * (1 - threshold)) {
            best = measure;
            bad = 0;
        } else {
            bad++;
        }
        if (cooling > 0) {
            cooling--;
            bad = 0;
        }
        if (bad > patience) {
            rate = Math.max(rate * factor, leastRate);
            cooling = cooldown;
            bad = 0;
        }
        return rate;
    }

    /** The present rate. */
    public double rate() {
        return rate;
    }

    /** What changes, for a checkpoint's strings. */
    public Map<String, String> state() {
        return Map.of("plateau.rate", Double.toString(rate), "plateau.best", Double.toString(best),
            "plateau.bad", Long.toString(bad), "plateau.cooling", Long.toString(cooling));
    }

    /** Goes on from a {@link #state}, which may stand among other strings. */
    public void restore(Map<String, String> state) {
        rate = Double.parseDouble(required(state, "plateau.rate"));
        best = Double.parseDouble(required(state, "plateau.best"));
        bad = Long.parseLong(required(state, "plateau.bad"));
        cooling = Long.parseLong(required(state, "plateau.cooling"));
    }

    private static String required(Map<String, String> state, String name) {
        String value = state.get(name);
        if (value == null) {
            throw new IllegalArgumentException("Plateau: the state has no '" + name + "'");
        }
        return value;
    }
}
