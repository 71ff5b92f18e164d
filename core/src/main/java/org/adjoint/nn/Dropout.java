package org.adjoint.nn;

import org.adjoint.Tensor;

/**
 * In training mode zeroes elements with the given probability and scales the others by {@code 1 / (1 - probability)};
 * in evaluation mode gives its input (Srivastava et al., 2014).
 */
public final class Dropout extends Module<Dropout> implements Layer {
    private final double probability;

    private Dropout(double probability) {
        if (!(probability >= 0 && probability < 1)) {
            throw new IllegalArgumentException("Dropout: the probability must be in [0, 1) but is " + probability);
        }
        this.probability = probability;
    }

    public static Dropout of(double probability) {
        return new Dropout(probability);
    }

    @Override
    public Tensor forward(Tensor x) {
        return probability == 0 || !isTraining() ? x : x.dropout(probability);
    }

    @Override
    public String toString() {
        return "Dropout(" + probability + ")";
    }
}
