package org.adjoint.bench.bundle;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.spi.ToolProvider;

/** A Java runtime of the few modules that the command line needs. */
final class JavaRuntime {
    /** Without java.desktop, which draws charts, and java.xml, which it needs: they are a third of the whole. */
    private static final List<String> MODULES = List.of("java.base", "java.logging", "java.management",
        "jdk.incubator.vector", "jdk.management", "jdk.unsupported");

    private JavaRuntime() { }

    /**
     * Links the running JDK's modules into {@code folder}, which must not exist.
     *
     * @throws IOException if it can't be done, with the reason
     */
    static void link(Path folder) throws IOException {
        ToolProvider jlink = ToolProvider.findFirst("jlink").orElseThrow(() -> new IOException("the Java runtime in "
            + System.getProperty("java.home") + " has no jlink: start with a whole JDK 25 (ADJOINT_JAVA_HOME)"));
        StringWriter messages = new StringWriter();
        PrintWriter writer = new PrintWriter(messages);
        int status = jlink.run(writer, writer, "--add-modules", String.join(",", MODULES), "--strip-debug",
            "--no-header-files", "--no-man-pages", "--compress", "zip-9", "--output", folder.toString());
        if (status != 0) {
            throw new IOException("jlink failed: " + messages.toString().strip());
        }
    }
}
