package org.adjoint.cuda.driver;

import java.nio.file.Path;
import java.util.function.UnaryOperator;

/**
 * What a search for libraries sees of the process and its machine; a test gives it another machine.
 *
 * @param libraries the value of the system property {@code adjoint.cuda.libraries}, or null
 * @param environment the value of an environment variable, or null
 * @param jars sees libraries in jars
 * @param root the file system's root, under which the system's own folders lie
 */
record Surroundings(String libraries, UnaryOperator<String> environment, ClassLoader jars, Path root) {

    static Surroundings ofProcess() {
        return new Surroundings(System.getProperty(Places.PROPERTY), System::getenv,
            Surroundings.class.getClassLoader(), Path.of("/"));
    }

    /** An environment variable, or null if it is unset or blank. */
    String variable(String name) {
        String value = environment.apply(name);
        return value == null || value.isBlank() ? null : value.strip();
    }
}
