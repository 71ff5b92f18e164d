package org.adjoint.gradcheck;

import java.util.List;
import java.util.Locale;

/**
 * What a gradient check found.
 *
 * @param name of the function
 * @param order of the derivatives that the verdict is about: 1, or 2 for gradients of gradients
 * @param verdict whether they are right, or what is the matter
 * @param checked how many derivatives were compared
 * @param relativeError of the worst one: |analytic - numeric| / max(|analytic|, |numeric|, 1e-3 max|J|, 1e-6)
 * @param input which argument the worst one is for, from 0; -1 if there is none
 * @param index where in that argument
 * @param analytic what the gradient rules give
 * @param numeric what differences give
 * @param message the verdict in a sentence
 */
public record GradientReport(String name, int order, Verdict verdict, long checked, double relativeError, int input,
    List<Long> index, double analytic, double numeric, String message) {

    /** Why a check passed or did not. */
    public enum Verdict {
        /** Analytic and numeric derivatives agree. */
        PASSED,
        /** They do not. */
        WRONG,
        /** A value or a gradient is NaN or infinite. */
        NOT_FINITE,
        /** All gradients of an input are zero, so that nothing was shown. */
        ALL_ZERO,
        /** The function has a kink or a jump within a step of the sample: no difference can be right there. */
        KINK,
        /** Differences are too imprecise here to tell. */
        IMPRECISE
    }

    public GradientReport {
        index = List.copyOf(index);
    }

    public boolean passed() {
        return verdict == Verdict.PASSED;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(name).append(order == 1 ? ": gradient " : ": second derivative ")
            .append(passed() ? "passed" : "FAILED").append(": ").append(message);
        if (input >= 0) {
            text.append(System.lineSeparator()).append(passed() ? "  worst of " : "  at one of ").append(checked)
                .append(": input ").append(input).append(" at ").append(index).append(": analytic ").append(analytic)
                .append(", numeric ").append(numeric).append(", relative error ")
                .append(String.format(Locale.ROOT, "%.3g", relativeError));
        }
        return text.toString();
    }
}
