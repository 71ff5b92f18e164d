package org.adjoint.bench.train;

import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** What options must be; each method throws a {@link ParameterException} that names the option and its value. */
record Require(CommandLine command) {
    void atLeast(String option, long value, long least) {
        if (value < least) {
            throw new ParameterException(command, option + " must be at least " + least + " but is " + value);
        }
    }

    /** @param value null if the option was not given */
    void inRange(String option, Number value, long least, long most) {
        if (value != null) {
            atLeast(option, value.longValue(), least);
            if (value.longValue() > most) {
                throw new ParameterException(command, option + " must be at most " + most + " but is " + value);
            }
        }
    }

    void positive(String option, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new ParameterException(command, option + " must be positive but is " + value);
        }
    }

    void notNegative(String option, double value) {
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw new ParameterException(command, option + " must not be negative but is " + value);
        }
    }
}
