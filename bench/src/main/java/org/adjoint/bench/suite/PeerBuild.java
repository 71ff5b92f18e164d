package org.adjoint.bench.suite;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** Builds peers with Maven, which downloads what they need on first use. */
final class PeerBuild {
    private PeerBuild() { }

    /**
     * Builds a peer unless that is done already.
     *
     * @param log where Maven's output goes
     * @return the folder of all peers
     * @throws IOException with what to do, if it can't be built
     */
    static Path require(Peer peer, Path log, PrintWriter err) throws IOException, InterruptedException {
        Path root = SourceTree.root().orElseThrow(() -> new IOException("peers are built from the source tree: "
            + "clone the repository and run its ./adjoint bench"));
        Path project = root.resolve(Path.of("bench", "peers"));
        Path jar = project.resolve(Path.of("target", peer.toString(), "adjoint-peer.jar"));
        if (!isBuilt(jar, project, peer)) {
            err.println("building the peer " + peer + " (the first time Maven downloads it)...");
            err.flush();
            build(peer, root, project, log);
        }
        return project.resolve("target");
    }

    private static boolean isBuilt(Path jar, Path project, Peer peer) throws IOException {
        if (!Files.exists(jar)) {
            return false;
        }
        FileTime built = Files.getLastModifiedTime(jar);
        List<Path> sources = new ArrayList<>(List.of(project.resolve("pom.xml")));
        try (Stream<Path> files = Files.walk(project.resolve("src").resolve(peer.toString()))) {
            files.forEach(sources::add);
        }
        for (Path source : sources) {
            if (Files.getLastModifiedTime(source).compareTo(built) > 0) {
                return false;
            }
        }
        return true;
    }

    private static void build(Peer peer, Path root, Path project, Path log) throws IOException, InterruptedException {
        boolean windows = System.getProperty("os.name").startsWith("Windows");
        ProcessBuilder maven = new ProcessBuilder(windows ? "mvn.cmd" : "mvn", "-q", "-B", "-P" + peer,
            "-Dpeer.platform=" + platform(), "-f", project.resolve("pom.xml").toString(), "clean", "package");
        // Where the toolchains plugin looks for a JDK 25, whatever Java runs Maven.
        maven.environment().put("JAVA_ADJOINT_HOME", System.getProperty("java.home"));
        maven.directory(root.toFile()).redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        Process process;
        try {
            process = maven.start();
        } catch (IOException e) {
            throw new IOException("the peer " + peer + " can't be built without Maven: install Maven 3.8 or later", e);
        }
        if (process.waitFor() != 0) {
            throw new IOException("the peer " + peer + " could not be built: " + reason(log) + " (see " + log + ")");
        }
    }

    private static String reason(Path log) throws IOException {
        List<String> lines = Files.readAllLines(log);
        return lines.stream().map(line -> line.replaceAll("\u001b\\[[0-9;]*m", ""))
            .filter(line -> line.startsWith("[ERROR] ")).map(line -> line.substring("[ERROR] ".length())).findFirst()
            .orElse("Maven does not say why");
    }

    /** The classifier of JavaCPP's native code for this machine. */
    static String platform() {
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        String processor = System.getProperty("os.arch");
        return (system.startsWith("mac") ? "macosx" : system.startsWith("windows") ? "windows" : "linux") + "-"
            + (processor.equals("aarch64") ? "arm64" : "x86_64");
    }
}
