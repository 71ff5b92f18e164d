/**
 * The command line, the JMH suite, peers and reports. An application, on the class path and without a module
 * descriptor: JMH starts its measuring JVMs with a class path, and the peers' jars are not modules.
 */
package org.adjoint.bench;
