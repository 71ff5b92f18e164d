package org.adjoint.bench.bundle;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.adjoint.bench.Json;
import org.adjoint.bench.suite.MachineInfo;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code adjoint bundle}: a folder that verifies a card on a machine without Java, Maven or a network. */
@Command(
        name = "bundle",
        description = "Makes a folder with a Java runtime, this program and kernels compiled beforehand. On a machine with "
            + "a card, which needs nothing else but CUDA's libraries, FOLDER/verify.sh verifies and times it.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        footerHeading = "%nExamples:%n",
        footer = {
            "  adjoint bundle out",
            "  adjoint bundle out --architecture 80 --architecture 90"
        })
public final class BundleCommand implements Callable<Integer> {
    /** What makes a folder a bundle, which may be made anew. */
    private static final String MARKER = "bundle.json";
    private static final List<String> SCRIPTS = List.of("verify.sh", "adjoint", "verify_pytorch.py");

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "FOLDER", description = "What to make; it must be empty, missing, or a former bundle.")
    private Path folder;

    @Option(names = "--architecture", paramLabel = "N", defaultValue = "90",
            description = "Compute capability times 10 of the cards to compile kernels for; 90 by default.")
    private List<Integer> architectures;

    @Option(names = "--no-kernels", description = "Compile no kernels: they are compiled there, when they are first used.")
    private boolean withoutKernels;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        clear();
        Files.createDirectories(folder);
        String commit = MachineInfo.of(1).commit();
        Map<String, Object> marker = new LinkedHashMap<>();
        marker.put("commit", commit);
        Json.write(folder.resolve(MARKER), marker);
        JavaRuntime.link(folder.resolve("java"));
        Jars.copy(folder.resolve("jars"));
        for (String script : SCRIPTS) {
            copyScript(script, commit);
        }
        if (!withoutKernels) {
            for (int architecture : architectures) {
                Cubins.compile(folder.resolve("cubins"), architecture, spec.commandLine().getErr());
            }
        }
        out.printf("%s: %.1f MB, commit %s%n", folder, bytes() / 1e6, commit);
        out.flush();
        return 0;
    }

    private void clear() throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        if (Files.exists(folder.resolve(MARKER))) {
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
                    Files.delete(file);
                }
            }
            return;
        }
        try (Stream<Path> files = Files.list(folder)) {
            if (files.findAny().isPresent()) {
                throw new IOException("the folder '" + folder + "' holds other things than a bundle: name an empty one");
            }
        }
    }

    private void copyScript(String name, String commit) throws IOException {
        try (InputStream stream = BundleCommand.class.getResourceAsStream(name)) {
            String text = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
            Path file = folder.resolve(name);
            Files.writeString(file, text.replace("@commit@", commit));
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
    }

    private long bytes() throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            long bytes = 0;
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                bytes += Files.size(file);
            }
            return bytes;
        }
    }
}
