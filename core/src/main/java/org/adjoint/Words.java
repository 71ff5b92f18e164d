package org.adjoint;

import java.util.function.Supplier;
import java.util.regex.Pattern;

/** Errors in the words of the method that was called, whatever it is made of. */
final class Words {
    /** How a message begins that another operation gives. */
    private static final Pattern ANOTHER = Pattern.compile("^[a-z]\\w*: ");

    private Words() { }

    /**
     * What {@code recording} gives.
     *
     * @throws IllegalArgumentException that names {@code method}, where {@code recording} throws one that does not
     */
    static <T> T of(String method, Supplier<T> recording) {
        try {
            return recording.get();
        } catch (IllegalArgumentException e) {
            String message = String.valueOf(e.getMessage());
            if (message.startsWith(method + ":") || message.startsWith(method + " ")) {
                throw e;
            }
            throw new IllegalArgumentException(method + ": " + ANOTHER.matcher(message).replaceFirst(""), e);
        }
    }
}
