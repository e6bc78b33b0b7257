//go:build never

// Package node keeps the Gateway API in go.mod: the cluster applies the definitions that this
// module carries, and no program imports them.
package node

import _ "sigs.k8s.io/gateway-api/pkg/consts"
