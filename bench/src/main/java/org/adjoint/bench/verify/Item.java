package org.adjoint.bench.verify;

import java.util.Map;

/**
 * One thing to verify, recorded under its key.
 *
 * @param check gives the fields of the record; {@code passed} is among them
 */
public record Item(String key, Check check) {
    /** Does the work of an item. */
    @FunctionalInterface
    public interface Check {
        /** @throws Exception which is recorded as a failure */
        Map<String, Object> run() throws Exception;
    }
}
