package config

// BrokerState is the number that Kafka gives the state of a broker (the gauge kafka.server:type=KafkaServer,
// name=BrokerState), and that the reference operator's agent answers.
type BrokerState int

// The states that a node can be seen in from outside its process.
const (
	NotRunning         BrokerState = 0
	Starting           BrokerState = 1
	InRecovery         BrokerState = 2
	Running            BrokerState = 3
	ControlledShutdown BrokerState = 6
	Unknown            BrokerState = 127
)

// Event is something that happened to a node's Kafka process.
type Event int

// The events. Served, Fenced and Unreachable are what a question to the process itself found.
const (
	Started       Event = iota // the process runs
	RecoveryBegan              // it reads logs that were not closed in good order
	RecoveryEnded
	Served      // it has its place in the cluster: an unfenced broker, a controller that keeps up
	Fenced      // it answers, but has no such place
	Unreachable // it does not answer
	StopAsked   // it was told to stop
	Exited      // it is gone
)

// State is what a node is doing. The zero value is a node whose process has not been started.
type State struct {
	Broker BrokerState
	Ready  bool // clients and other nodes find it in its place
}

// After returns the state after an event. Who was told to stop is never ready again, and who is gone stays gone.
func (s State) After(e Event) State {
	stopping := s.Broker == ControlledShutdown
	switch {
	case e == Exited:
		return State{Broker: NotRunning}
	case e == Started:
		return State{Broker: Starting}
	case s.Broker == NotRunning, stopping:
		return s
	case e == StopAsked:
		return State{Broker: ControlledShutdown}
	}
	return s.whileRunning(e)
}

// whileRunning is After for a process that runs and was not told to stop. A broker that has been in its place and loses it
// still counts as running, as Kafka's own gauge has it, but is not ready; one that stops answering is in an unknown state.
func (s State) whileRunning(e Event) State {
	arrived := s.Broker == Running || s.Broker == Unknown
	switch {
	case e == Served:
		return State{Broker: Running, Ready: true}
	case e == RecoveryBegan && s.Broker == Starting:
		return State{Broker: InRecovery}
	case e == RecoveryEnded && s.Broker == InRecovery:
		return State{Broker: Starting}
	case e == Fenced && arrived:
		return State{Broker: Running}
	case e == Unreachable && arrived:
		return State{Broker: Unknown}
	}
	return s
}
