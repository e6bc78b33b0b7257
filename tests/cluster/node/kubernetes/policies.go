package main

import (
	"os"

	"github.com/cloudnativelabs/kube-router/v2/pkg/cmd"
	"github.com/cloudnativelabs/kube-router/v2/pkg/options"
	"github.com/spf13/pflag"
)

// enforcePolicies runs kube-router, whose own main function is not importable.
func enforcePolicies() {
	config := options.NewKubeRouterConfig()
	// A set of its own: the other programs' packages have put theirs into the common one.
	flags := pflag.NewFlagSet(os.Args[0], pflag.ExitOnError)
	config.AddFlags(flags)
	_ = flags.Parse(os.Args[1:])
	router, err := cmd.NewKubeRouterDefault(config)
	if err != nil {
		fail(err)
	}
	if err := router.Run(); err != nil {
		fail(err)
	}
}
