module github.com/steg-kafka/steg/test/lab/cmd

go 1.26.0
